#pragma once

#include "base/result.h"
#include "runtime/host.h"
#include "sys/lock.h"
#include "sys/paths.h"

namespace berth::builder {

/// Held while something is built, by any number of builds at once: scratch directories and the cache stay meanwhile.
class BuildLock {
 public:
  /// Sweeps what killed builds left if nobody else builds.
  [[nodiscard]] static Result<BuildLock> acquire(runtime::Host& host, const sys::Paths& paths);

 private:
  explicit BuildLock(sys::FileLock lock) : lock_(std::move(lock)) {}
  sys::FileLock lock_;
};

}  // namespace berth::builder
