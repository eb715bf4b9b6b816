#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "runtime/child_plan.h"
#include "runtime/resources.h"
#include "runtime/spec.h"

namespace berth::runtime {

/// "c 1:3 rwm", as cgroup v1 reads it and compose's device_cgroup_rules writes it.
[[nodiscard]] std::string render_device_rule(const DeviceRule& rule);
/// Error: not of that form.
[[nodiscard]] Result<DeviceRule> parse_device_rule(const std::string& text);

/// What every container gets: its nodes, and the rules that permit them.
[[nodiscard]] std::vector<PlannedDevice> default_devices();
[[nodiscard]] std::vector<DeviceRule> default_device_rules();

struct Devices {
  std::vector<PlannedDevice> nodes;
  std::vector<DeviceRule> rules;  // empty: everything is allowed
};

/// All devices of a container: the default ones, those of the spec (directories become the nodes below them), for a
/// privileged container all of the host's. Error: a device that the host does not have.
[[nodiscard]] Result<Devices> plan_devices(const ContainerSpec& spec);

}  // namespace berth::runtime
