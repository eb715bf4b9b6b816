#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace berth::git {

/// Path and URL of each submodule that a .gitmodules names. What else it says is passed over, includes of other files
/// among it.
[[nodiscard]] std::map<std::string, std::string> parse_modules(std::string_view text);

/// Where the submodule of a repository is: "../x.git" counts from the repository's own address. Error: it is no address
/// of a network.
[[nodiscard]] Result<std::string> module_url(const std::string& repository, const std::string& url);

}  // namespace berth::git
