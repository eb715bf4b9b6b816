#pragma once

#include <string>

#include "base/result.h"
#include "cli/context.h"

namespace berth::cli {

/// The path of one of berth's other programs: beside this one (build tree), or in libexec beside its bin directory.
[[nodiscard]] Result<std::string> helper(const std::string& name);

/// Goes on as that program with the same arguments. Returns only if that is not possible.
[[nodiscard]] Error become_helper(const std::string& name, char** argv);

/// Runs that program beside this one with the global flags that count and one word, `request` on its standard input,
/// and waits. Signals that come meanwhile are passed on to it, so that it ends in order. Returns its exit code.
[[nodiscard]] Result<int> run_helper(const Context& context, const std::string& name, const std::string& word,
                                     const std::string& request);

}  // namespace berth::cli
