#pragma once

#include <string>

#include "base/result.h"

namespace berth::cli {

/// The path of one of berth's other programs: beside this one (build tree), or in libexec beside its bin directory.
[[nodiscard]] Result<std::string> helper(const std::string& name);

/// Goes on as that program with the same arguments. Returns only if that is not possible.
[[nodiscard]] Error become_helper(const std::string& name, char** argv);

}  // namespace berth::cli
