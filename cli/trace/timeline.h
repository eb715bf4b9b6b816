#pragma once

// What `up --trace` knows when all is over, as plain values: where the time went, and how that is shown.

#include <cstdint>
#include <string>
#include <vector>

#include "engine/trace.h"

namespace berth::cli::trace {

/// A step of a plan, as it was carried out.
struct TracedStep {
  std::string who;   // "Container shop-db-1"
  std::string verb;  // of engine::words(): "Start", "Wait until healthy"
  int64_t begin_us = 0, end_us = 0;
  bool failed = false;
  std::vector<size_t> after;  // indices of steps that had to be done before
};

/// From `begin_us` to `end_us`. The whole time is divided among spans of "berth", which come one after the other, and
/// the steps; all other spans are parts of these.
struct Timeline {
  std::string project;
  int64_t begin_us = 0, end_us = 0;
  std::vector<engine::Span> spans;
  std::vector<TracedStep> steps;
};

/// A stretch of the way that nothing could have overtaken: had it been shorter, the whole would have been.
struct Leg {
  std::string who, what;  // as for people: "db-1", "healthy"
  int64_t begin_us = 0, end_us = 0;
  std::string why;  // what it spent its time with; "" = nothing more is known
  bool of_step = false;
  size_t index = 0;  // of the step, or of the span
};

/// From the beginning to what ended last.
[[nodiscard]] std::vector<Leg> critical_path(const Timeline& timeline);

/// The longest leg in a sentence: "db-1 took most of it: healthy after 412 ms, of which postgres needed 390 ms".
[[nodiscard]] std::string verdict(const std::vector<Leg>& path);

/// Trace events as chrome://tracing and Perfetto read them: a thread for each container, network, volume and image.
[[nodiscard]] std::string to_chrome(const Timeline& timeline);

struct WaterfallStyle {
  size_t columns = 100;
  bool unicode = true, colour = false;
};
/// A bar for each part, a table of the critical path, and the verdict. Parts too short to be seen are left out, and
/// counted.
[[nodiscard]] std::string to_waterfall(const Timeline& timeline, const WaterfallStyle& style);

/// "412 ms", "3.4 ms", "1.284 s".
[[nodiscard]] std::string time_text(int64_t us);

/// A resource as people call it within its project: "db-1" for "Container shop-db-1", "network default", "image x".
[[nodiscard]] std::string short_name(const Timeline& timeline, const std::string& who);
/// What a step reaches: "start", "healthy".
[[nodiscard]] std::string short_verb(const std::string& verb);

}  // namespace berth::cli::trace
