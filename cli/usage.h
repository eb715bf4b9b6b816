#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "cli/context.h"
#include "engine/state.h"
#include "runtime/cgroup.h"

namespace berth::cli {

/// What a container uses, as the kernel counts at one moment. Zeroes for one that does not run.
struct Usage {
  runtime::CgroupStats group;
  uint64_t received_bytes = 0, sent_bytes = 0;  // over all interfaces but lo, since the start
  int64_t at_ns = 0;                            // CLOCK_MONOTONIC
};

class UsageReader {
 public:
  [[nodiscard]] static Result<UsageReader> make(const Context& context);
  [[nodiscard]] Usage read(const engine::Container& container) const;
  /// The machine's memory: the limit of a container that has none. Bytes.
  [[nodiscard]] uint64_t machine_memory() const { return machine_memory_; }

 private:
  UsageReader(sys::Paths paths, runtime::CgroupMounts mounts);

  sys::Paths paths_;
  runtime::CgroupMounts mounts_;
  uint64_t machine_memory_;
};

}  // namespace berth::cli
