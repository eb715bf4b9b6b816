#pragma once

#include <linux/bpf.h>

#include <vector>

#include "base/result.h"
#include "runtime/resources.h"
#include "sys/fd.h"

namespace berth::runtime {

/// The v2 counterpart of devices.allow and devices.deny: a program that the kernel asks at every mknod and open of a
/// device. The last rule that matches decides; what none matches is denied.
[[nodiscard]] std::vector<bpf_insn> assemble_device_program(const std::vector<DeviceRule>& rules);

/// Loads the program and attaches it to the group (BPF_F_ALLOW_MULTI), then detaches what was there before. The group
/// keeps it alive. Error carries the verifier's last words.
[[nodiscard]] Status attach_device_program(sys::FdRef cgroup, const std::vector<bpf_insn>& program);

}  // namespace berth::runtime
