#pragma once

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"

namespace berth::runtime {

// What the default program and those of profiles share.

constexpr uint32_t kX32Bit = 0x40000000;

#if defined(__x86_64__)
constexpr uint32_t kNativeArch = AUDIT_ARCH_X86_64;
constexpr uint32_t kSubArches[] = {SCMP_ARCH_X86, SCMP_ARCH_X32};
#elif defined(__aarch64__)
constexpr uint32_t kNativeArch = AUDIT_ARCH_AARCH64;
constexpr uint32_t kSubArches[] = {SCMP_ARCH_ARM};
#else
#error "seccomp: name this architecture"
#endif

struct SeccompRelease {
  void operator()(void* context) const { seccomp_release(context); }
};
using SeccompContext = std::unique_ptr<void, SeccompRelease>;

/// The context's program, through a file in memory because libseccomp only writes to descriptors.
[[nodiscard]] Result<std::vector<sock_filter>> export_program(const SeccompContext& context);

}  // namespace berth::runtime
