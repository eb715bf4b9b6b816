#pragma once

#include <cstdint>
#include <functional>
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

/// A lock on one of many things that share one lock file: on the byte at `place` of it (open file description lock,
/// fcntl(2)), exclusive, also between threads, held as long as this lives. Things that share a place wait for each
/// other and nothing worse.
class PlaceLock {
 public:
  /// Waits until the place is free; calls `on_wait` before if that is not at once.
  [[nodiscard]] static Result<PlaceLock> acquire(const std::string& path, uint64_t place,
                                                 const std::function<void()>& on_wait = {});

 private:
  explicit PlaceLock(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace berth::sys
