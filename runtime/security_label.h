#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "runtime/child_plan.h"

namespace berth::runtime {

/// Whether the kernel confines processes by AppArmor.
[[nodiscard]] bool has_apparmor();

/// Names of the profiles that are loaded. Nothing if the kernel cannot be asked (securityfs is not mounted).
[[nodiscard]] std::optional<std::vector<std::string>> loaded_apparmor_profiles();

/// The file in which the label of the next program goes, and the label as it is written there: an AppArmor profile or a
/// context of SELinux; "" = none. Error: the kernel does not have what is asked for, or both are.
[[nodiscard]] Status plan_label(const std::string& apparmor_profile, const std::string& selinux_label, ChildPlan& plan);

}  // namespace berth::runtime
