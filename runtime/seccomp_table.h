#pragma once

#include <string_view>
#include <vector>

#include "runtime/caps.h"

namespace berth::runtime {

/// System calls that are allowed whatever their arguments are. Names of several architectures side by side; each takes
/// those that it has.
[[nodiscard]] const std::vector<std::string_view>& always_allowed_calls();

/// System calls that are allowed to who holds one capability.
struct GatedCalls {
  CapMask cap;
  std::vector<std::string_view> names;
};
[[nodiscard]] const std::vector<GatedCalls>& gated_calls();

/// Numbers of calls younger than libseccomp 2.5.4 (since Linux 5.18 numbers are the same on all architectures).
struct YoungCall {
  std::string_view name;
  unsigned number;
};
[[nodiscard]] const std::vector<YoungCall>& young_calls();

/// Calls above this number are unknown to the table: ENOSYS, so that a newer libc falls back to what it knows.
inline constexpr unsigned kLastKnownCall = 469;  // file_setattr, Linux 6.17

/// Address families that socket() may have: no AF_ALG (38, CVE-2026-31431), no AF_VSOCK (40: reaches the hypervisor),
/// none of the protocols that nobody uses and attackers like.
[[nodiscard]] const std::vector<unsigned>& allowed_families();

/// Values that personality() may be called with: query, and what setarch needs.
[[nodiscard]] const std::vector<unsigned>& allowed_personalities();

/// CLONE_NEW* bits that a process without CAP_SYS_ADMIN may not pass to clone().
inline constexpr unsigned kNamespaceFlags = 0x7E020000;

}  // namespace berth::runtime
