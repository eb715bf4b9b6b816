#include "runtime/security_label.h"

#include <fmt/core.h>

#include "base/text.h"
#include "sys/file.h"

namespace berth::runtime {

bool has_apparmor() {
  return trim(sys::read_file("/sys/module/apparmor/parameters/enabled", 16).value_or("N")) == "Y";
}

std::optional<std::vector<std::string>> loaded_apparmor_profiles() {
  constexpr size_t kLimit = 16 << 20;
  const Result<std::string> listed = sys::read_file("/sys/kernel/security/apparmor/profiles", kLimit);
  if (!listed) return std::nullopt;
  std::vector<std::string> names;
  for (const std::string& line : split(*listed, '\n')) {  // "name (mode)", and names may have spaces
    const size_t mode = line.rfind(" (");
    if (mode != std::string::npos) names.push_back(line.substr(0, mode));
  }
  return names;
}

Status plan_label(const std::string& apparmor_profile, const std::string& selinux_label, ChildPlan& plan) {
  if (!apparmor_profile.empty()) {
    if (!has_apparmor()) {
      return make_error(
          fmt::format("AppArmor profile \"{}\": this kernel has no AppArmor", printable(apparmor_profile)));
    }
    const bool own = sys::exists("/proc/self/attr/apparmor/exec");
    plan.label_file = own ? "thread-self/attr/apparmor/exec" : "thread-self/attr/exec";
    plan.label = "exec " + apparmor_profile;
  }
  if (selinux_label.empty()) return {};
  if (!sys::exists("/sys/fs/selinux/enforce")) {
    return make_error(fmt::format("SELinux label \"{}\": SELinux is not enabled", printable(selinux_label)));
  }
  if (!plan.label.empty()) return make_error("an AppArmor profile and an SELinux label exclude each other");
  plan.label_file = "thread-self/attr/exec";
  plan.label = selinux_label;
  return {};
}

}  // namespace berth::runtime
