#include "cli/event_watch.h"

#include <fmt/core.h>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>

#include "base/clock.h"
#include "cli/exit_code.h"
#include "cli/project.h"
#include "cli/signals.h"
#include "cli/timestamp.h"
#include "sys/file.h"

namespace berth::cli {

Result<EventPeriod> event_period(const std::string& since, const std::string& until) {
  EventPeriod period{wall_clock_ns(), INT64_MAX};
  if (!since.empty()) {
    BERTH_TRY(period.begin_ns, moment_of("--since", since));
  }
  if (!until.empty()) {
    BERTH_TRY(period.end_ns, moment_of("--until", until));
  }
  if (since.empty() && period.end_ns < period.begin_ns) period.begin_ns = 0;
  return period;
}

int watch_events(const Context& context, const EventPeriod& period,
                 const std::function<void(const engine::Event&)>& tell) {
  // Watched before it is read: what comes after the reading is told. The file may not be there yet, its directory must.
  if (Status made = sys::make_dirs(context.paths.run, 0711); !made) return report(context, made);
  sys::UniqueFd watch(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  (void)inotify_add_watch(watch.get(), context.paths.run.c_str(), IN_MODIFY | IN_CREATE | IN_MOVED_TO);
  Signals signals;
  engine::EventReader reader(context.paths);
  for (;;) {
    while (std::optional<engine::Event> event = reader.next()) {
      if (event->time_ns >= period.begin_ns && event->time_ns <= period.end_ns) tell(*event);
    }
    fflush(stdout);
    int64_t left_ms = period.end_ns == INT64_MAX ? -1 : (period.end_ns - wall_clock_ns()) / 1'000'000;
    if (period.end_ns != INT64_MAX && left_ms <= 0) return 0;
    pollfd fds[] = {{watch.get(), POLLIN, 0}, {signals.fd().get(), POLLIN, 0}};
    poll(fds, 2, static_cast<int>(std::min<int64_t>(left_ms, 3'600'000)));
    if (signals.take() != 0) return kInterrupted;
    alignas(inotify_event) char changes[4096];
    while (read(watch.get(), changes, sizeof changes) > 0) continue;  // only that there are some matters
  }
}

std::string event_time(int64_t time_ns, bool rfc3339) {
  time_t seconds = time_ns / 1'000'000'000;
  int64_t fraction = time_ns % 1'000'000'000;
  tm parts{};
  localtime_r(&seconds, &parts);
  char day[32], zone[8];
  strftime(day, sizeof day, rfc3339 ? "%Y-%m-%dT%H:%M:%S" : "%Y-%m-%d %H:%M:%S", &parts);
  if (!rfc3339) return fmt::format("{}.{:06}", day, fraction / 1000);
  strftime(zone, sizeof zone, "%z", &parts);
  if (parts.tm_gmtoff == 0) return fmt::format("{}.{:09}Z", day, fraction);  // as Go writes it
  return fmt::format("{}.{:09}{:.3}:{}", day, fraction, zone, zone + 3);
}

}  // namespace berth::cli
