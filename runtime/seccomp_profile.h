#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace berth::runtime {

/// A seccomp profile in the words of OCI and Docker ("SCMP_ACT_ERRNO", "SCMP_CMP_EQ", "SCMP_ARCH_X86_64").
struct SeccompProfile {
  struct Condition {
    unsigned argument = 0;
    std::string comparison;
    uint64_t value = 0, value_two = 0;
  };
  struct Rule {
    std::vector<std::string> names;
    std::string action;
    std::optional<uint32_t> error;      // of SCMP_ACT_ERRNO and SCMP_ACT_TRACE; EPERM if not said
    std::vector<Condition> conditions;  // all have to hold; of several for one argument, any
  };
  std::string default_action;
  std::optional<uint32_t> default_error;
  std::vector<std::string> architectures;  // besides the native one
  std::vector<Rule> rules;
};

/// The profile's program, a balanced tree. Calls that this machine does not know are left out; calls that are younger
/// than all that the profile names are answered with ENOSYS, so that a libc falls back, unless the profile allows by
/// default or says ENOSYS itself. Error: an unknown word, SCMP_ACT_NOTIFY (it needs a listener).
[[nodiscard]] Result<std::vector<sock_filter>> compile_profile(const SeccompProfile& profile);

}  // namespace berth::runtime
