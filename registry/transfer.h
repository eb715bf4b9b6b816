#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <semaphore>

#include "base/result.h"

// What pull and push share: pieces that travel side by side.

namespace berth::registry {

/// How many layers may be on their way at once, over all pulls or pushes of a process.
using Slots = std::counting_semaphore<>;

/// Held while a layer is on its way.
class Slot {
 public:
  explicit Slot(Slots& slots) : slots_(slots) { slots_.acquire(); }
  ~Slot() { slots_.release(); }
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;

 private:
  Slots& slots_;
};

/// Does `work` for 0, 1, … count-1 in a few threads, each taking the next when it is free. After an error nothing more
/// is begun, and abandoned() tells those that are under way; the first error is the result.
class SideBySide {
 public:
  [[nodiscard]] Status run(size_t count, const std::function<Status(size_t)>& work);
  [[nodiscard]] bool abandoned() const { return failed_; }

 private:
  std::atomic<size_t> next_ = 0;
  std::atomic<bool> failed_ = false;
  std::mutex mutex_;
  std::optional<Error> first_error_;
};

/// Seconds since 1970.
[[nodiscard]] int64_t seconds_now();

}  // namespace berth::registry
