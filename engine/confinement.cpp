#include "engine/confinement.h"

#include "runtime/security_label.h"

namespace berth::engine {

std::string confinement(const std::vector<std::string>& options, std::string_view kind) {
  for (auto option = options.rbegin(); option != options.rend(); ++option) {
    const size_t separator = option->find_first_of("=:");
    if (separator == std::string::npos || option->substr(0, separator) != kind) continue;
    std::string value = option->substr(separator + 1);
    return value == "unconfined" || value == "disable" ? "" : value;
  }
  return "";
}

std::string apparmor_profile(const std::vector<std::string>& options) {
  std::string profile = confinement(options, "apparmor");
  return profile.empty() || runtime::has_apparmor() ? profile : "";
}

}  // namespace berth::engine
