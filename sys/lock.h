#pragma once

#include <string>

#include "base/result.h"
#include "sys/fd.h"

namespace berth::sys {

/// A lock on a file (flock(2)), exclusive unless said otherwise, held as long as this lives and released by the kernel
/// on death. The file is created if missing and never removed, because removing it races with whoever waits for it.
class FileLock {
 public:
  /// Waits until the lock is free.
  [[nodiscard]] static Result<FileLock> acquire(const std::string& path);
  /// Error EWOULDBLOCK if somebody else holds it.
  [[nodiscard]] static Result<FileLock> try_acquire(const std::string& path);
  /// Shared with all who take it in this way; waits until nobody holds it exclusively.
  [[nodiscard]] static Result<FileLock> acquire_shared(const std::string& path);

 private:
  explicit FileLock(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace berth::sys
