#include "runtime/bpf_devices.h"
#include "runtime/cgroup_controllers.h"
#include "runtime/devices.h"
#include "sys/file.h"

namespace berth::runtime {

Status apply_devices_v1(sys::FdRef dir, const std::vector<DeviceRule>& rules) {
  if (rules.empty()) return {};  // a new group may do what its parent may
  BERTH_TRY_OK(sys::write_existing_at(dir, "devices.deny", "a"));
  for (const DeviceRule& rule : rules) {
    BERTH_TRY_OK(sys::write_existing_at(dir, rule.allow ? "devices.allow" : "devices.deny", render_device_rule(rule)));
  }
  return {};
}

Status apply_devices_v2(sys::FdRef dir, const std::vector<DeviceRule>& rules) {
  if (rules.empty()) return {};  // without a program everything is allowed
  return attach_device_program(dir, assemble_device_program(rules));
}

}  // namespace berth::runtime
