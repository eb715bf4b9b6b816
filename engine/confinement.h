#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace berth::engine {

/// The value of "KIND=VALUE" or "KIND:VALUE" (apparmor, label) in a list like security_opt; the last one counts. "" if
/// there is none, or one that lifts the confinement (unconfined, disable).
[[nodiscard]] std::string confinement(const std::vector<std::string>& options, std::string_view kind);

}  // namespace berth::engine
