#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>

#include "runtime/bpf_devices.h"
#include "runtime/cgroup_controllers.h"
#include "runtime/devices.h"
#include "sys/file.h"

namespace berth::runtime {

Status apply_devices_v1(sys::FdRef dir, const std::vector<DeviceRule>& rules) {
  if (rules.empty()) return {};  // a new group may do what its parent may
  BERTH_TRY(const sys::UniqueFd allow, sys::open_at(dir, "devices.allow", O_WRONLY));
  BERTH_TRY(const sys::UniqueFd deny, sys::open_at(dir, "devices.deny", O_WRONLY));
  const auto add = [&](bool allowed, const std::string& rule) -> Status {
    if (::write((allowed ? allow : deny).get(), rule.data(), rule.size()) >= 0) return {};
    return sys_error(fmt::format("write \"{}\" to {}", rule, allowed ? "devices.allow" : "devices.deny"), errno);
  };
  BERTH_TRY_OK(add(false, "a"));
  for (const DeviceRule& rule : rules) BERTH_TRY_OK(add(rule.allow, render_device_rule(rule)));
  return {};
}

Status apply_devices_v2(sys::FdRef dir, const std::vector<DeviceRule>& rules) {
  if (rules.empty()) return {};  // without a program everything is allowed
  return attach_device_program(dir, assemble_device_program(rules));
}

}  // namespace berth::runtime
