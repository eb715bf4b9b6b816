#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/caps.h"

namespace berth::runtime {

struct Rlimit {
  int resource = 0;  // RLIMIT_NOFILE…
  uint64_t soft = 0;
  uint64_t hard = 0;
};

struct CapSets {
  CapMask bounding = 0, effective = 0, permitted = 0, inheritable = 0, ambient = 0;
};

/// sched_setattr(2), in its own words.
struct Scheduling {
  uint32_t policy = 0;
  uint64_t flags = 0;
  int32_t nice = 0;
  uint32_t priority = 0;
  uint64_t runtime = 0, deadline = 0, period = 0;  // nanoseconds
};

/// Who a process is and what it may, in numbers: nothing is looked up in the image or derived from defaults.
struct ProcessAttributes {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;  // exactly these; the primary one is not added
  mode_t umask = 0022;
  CapSets caps;
  std::vector<Rlimit> rlimits;
  bool no_new_privileges = false;
  std::optional<Scheduling> scheduling;
  std::optional<int> io_priority;            // as ioprio_set(2) takes it
  std::optional<unsigned long> personality;  // PER_LINUX32…
  std::string apparmor_profile;
  std::string selinux_label;
};

/// A program of the host that is told the container's state.
struct Hook {
  std::string path;
  std::vector<std::string> args, env;
  int timeout_s = 0;  // 0 = none
};

}  // namespace berth::runtime
