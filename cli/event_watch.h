#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"
#include "cli/context.h"
#include "engine/event_log.h"

namespace berth::cli {

struct EventPeriod {
  int64_t begin_ns = 0, end_ns = INT64_MAX;
};

/// What --since and --until mean: without them from now on, with --until in the past alone all that was before.
[[nodiscard]] Result<EventPeriod> event_period(const std::string& since, const std::string& until);

/// Calls `tell` with each event of the period, those to come as they come. The exit code: 0 at the period's end, 130
/// after a signal.
[[nodiscard]] int watch_events(const Context& context, const EventPeriod& period,
                               const std::function<void(const engine::Event&)>& tell);

/// Local time in the forms of Compose's events: "2026-11-21 09:15:30.123456", or RFC 3339 with nanoseconds and the
/// zone, which is also Docker's.
[[nodiscard]] std::string event_time(int64_t time_ns, bool rfc3339);

}  // namespace berth::cli
