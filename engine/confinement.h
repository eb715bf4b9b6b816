#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace berth::engine {

/// The value of "KIND=VALUE" or "KIND:VALUE" (apparmor, label) in a list like security_opt; the last one counts. "" if
/// there is none, or one that lifts the confinement (unconfined, disable).
[[nodiscard]] std::string confinement(const std::vector<std::string>& options, std::string_view kind);

/// The AppArmor profile of a container with this security_opt; "" where the kernel has no AppArmor, too.
[[nodiscard]] std::string apparmor_profile(const std::vector<std::string>& options);

}  // namespace berth::engine
