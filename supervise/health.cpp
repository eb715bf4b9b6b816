#include "supervise/health.h"

#include <algorithm>

namespace berth::supervise {
namespace {

using namespace std::chrono_literals;

// Docker's defaults.
constexpr Duration kInterval = 30s, kTimeout = 30s, kStartInterval = 5s;
constexpr int64_t kRetries = 3;
// Readiness is seen a thirty-second of the time it took later at most, and probes are never more than a third of what a
// processor can do.
constexpr Duration kShortestPause = 5ms;
constexpr int kLateness = 32, kRest = 2;

Duration or_default(const std::optional<int64_t>& ns, Duration fallback) {
  return ns && *ns > 0 ? Duration(*ns) : fallback;
}

}  // namespace

Health::Health(const engine::HealthConfig& config, bool strict)
    : interval_(or_default(config.interval, kInterval)),
      timeout_(or_default(config.timeout, kTimeout)),
      start_period_(or_default(config.start_period, Duration(0))),
      start_interval_(or_default(config.start_interval, kStartInterval)),
      retries_(config.retries && *config.retries > 0 ? *config.retries : kRetries),
      strict_(strict) {}

bool Health::in_start_period(Duration since_start) const {
  return state_ == "starting" && since_start < start_period_;
}

Duration Health::next_delay(Duration since_start) const {
  Duration regular = in_start_period(since_start) ? std::min(start_interval_, interval_) : interval_;
  if (strict_ || state_ != "starting") return regular;
  if (!last_took_) return Duration(0);
  return std::min(std::max<Duration>({kShortestPause, since_start / kLateness, *last_took_ * kRest}), regular);
}

Duration Health::timeout() const {
  return timeout_;
}

bool Health::on_probe(bool success, Duration since_start, Duration took) {
  std::string before = state_;
  last_took_ = took;
  if (success) {
    state_ = "healthy";
    failing_streak_ = 0;
  } else if (!in_start_period(since_start)) {
    // In the back-off a failure counts once per interval of the file, as if only those probes had been run.
    bool early = !strict_ && state_ == "starting" && since_start - std::max(last_counted_, start_period_) < interval_;
    if (!early) {
      last_counted_ = since_start;
      if (++failing_streak_ >= retries_) state_ = "unhealthy";
    }
  }
  return state_ != before;
}

void Health::restore(const std::string& state, int64_t failing_streak) {
  state_ = state.empty() ? "starting" : state;
  failing_streak_ = failing_streak;
}

}  // namespace berth::supervise
