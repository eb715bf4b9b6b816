#pragma once

#include <sys/types.h>

#include <functional>

#include "base/result.h"
#include "sys/fd.h"

namespace berth::sys {

/// Does something when this object goes or its process dies, by kill -9 too: a child waits for that. For what the
/// kernel does not take back by itself, such as a frozen control group.
class CleanupProcess {
 public:
  /// `cleanup` runs in the child, on a copy of our memory and with our descriptors. Requires: a process of one thread.
  [[nodiscard]] static Result<CleanupProcess> start(const std::function<void()>& cleanup);
  CleanupProcess(CleanupProcess&& other) noexcept;
  CleanupProcess& operator=(CleanupProcess&&) = delete;
  /// Waits until it is done.
  ~CleanupProcess();

 private:
  CleanupProcess(pid_t pid, UniqueFd alive) : pid_(pid), alive_(std::move(alive)) {}

  pid_t pid_ = -1;
  UniqueFd alive_;  // a pipe's write end: the child sees its end
};

}  // namespace berth::sys
