#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/state.h"
#include "engine/trace.h"

namespace berth::supervise {

/// Those who want to know how long the parts of containers' starts, and their probes, take (`up --trace`). While there
/// are none nothing is measured.
class Tracers {
 public:
  using Listener = std::function<void(const engine::ContainerRecord& container, const engine::Span& span)>;

  /// It hears as long as what is returned lives.
  [[nodiscard]] std::shared_ptr<const Listener> add(Listener listener);
  [[nodiscard]] bool any() const { return !listeners_.empty(); }
  /// `begin_us` to now.
  void tell(const engine::ContainerRecord& container, std::string what, int64_t begin_us, std::string note = {},
            bool failed = false);

 private:
  std::vector<std::weak_ptr<const Listener>> listeners_;
};

/// Measures parts that come one right after the other. Requires: tracers and container outlive it.
class Laps {
 public:
  Laps(Tracers& tracers, const engine::ContainerRecord& container)
      : tracers_(tracers), container_(container), begin_us_(tracers.any() ? engine::trace_clock_us() : 0) {}
  /// The part that has just ended.
  void end(const char* what, const std::string& note = {}) {
    if (begin_us_ == 0) return;
    tracers_.tell(container_, what, begin_us_, note);
    begin_us_ = engine::trace_clock_us();
  }

 private:
  Tracers& tracers_;
  const engine::ContainerRecord& container_;
  int64_t begin_us_;  // 0 = nobody asks
};

}  // namespace berth::supervise
