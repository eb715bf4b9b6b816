#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/context.h"
#include "sys/fd.h"

namespace berth::cli {

/// The path of one of berth's other programs: beside this one (build tree), or in libexec beside its bin directory.
[[nodiscard]] Result<std::string> helper(const std::string& name);

/// Goes on as that program with the same arguments. Returns only if that is not possible.
[[nodiscard]] Error become_helper(const std::string& name, char** argv);

/// Runs that program beside this one with the global flags that count and one word, `request` on its standard input,
/// and waits. Signals that come meanwhile are passed on to it, so that it ends in order. It has `inherited` under its
/// number, if that is a descriptor. Returns its exit code.
[[nodiscard]] Result<int> run_helper(const Context& context, const std::string& name, const std::string& word,
                                     const std::string& request, sys::FdRef inherited);

/// How a program of several threads, which cannot pass signals on, waits for a helper.
struct HelperWatch {
  std::function<void(std::string_view bytes)> output;  // what it writes to stderr; none: it has ours
  std::function<bool()> cancelled;                     // asked a few times a second; then it is told to end in order
};
/// The same for such a program. The thread must wait here: a helper ends with the thread that started it.
[[nodiscard]] Result<int> run_helper(const Context& context, const std::string& name, const std::string& word,
                                     const std::string& request, const HelperWatch& watch,
                                     sys::FdRef inherited = sys::FdRef(-1));

}  // namespace berth::cli
