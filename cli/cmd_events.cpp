#include <fmt/core.h>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <ctime>
#include <memory>

#include "base/clock.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/project.h"
#include "cli/signals.h"
#include "cli/timestamp.h"
#include "engine/event_log.h"
#include "engine/json.h"
#include "engine/selection.h"
#include "sys/file.h"

namespace berth::cli {
namespace {

struct EventsFlags {
  std::vector<std::string> services;
  bool json = false;
  std::string since, until;
};

struct Period {
  int64_t begin_ns = 0, end_ns = INT64_MAX;
};

/// Compose's two forms of local time: "2026-11-21 09:15:30.123456", and RFC 3339 with nanoseconds and the zone.
std::string local_time(int64_t time_ns, bool rfc3339) {
  time_t seconds = time_ns / 1'000'000'000;
  int64_t fraction = time_ns % 1'000'000'000;
  tm parts{};
  localtime_r(&seconds, &parts);
  char day[32], zone[8];
  strftime(day, sizeof day, rfc3339 ? "%Y-%m-%dT%H:%M:%S" : "%Y-%m-%d %H:%M:%S", &parts);
  if (!rfc3339) return fmt::format("{}.{:06}", day, fraction / 1000);
  strftime(zone, sizeof zone, "%z", &parts);
  return fmt::format("{}.{:09}{:.3}:{}", day, fraction, zone, zone + 3);
}

void print(const engine::Event& event, bool json) {
  engine::StringMap attributes;
  for (const auto& [name, value] : event.attributes) {
    if (!name.starts_with("com.docker.compose.")) attributes[name] = value;
  }
  if (json) {
    engine::Json line = {{"time", local_time(event.time_ns, true)},
                         {"type", "container"},
                         {"service", event.service},
                         {"id", event.id},
                         {"action", event.action},
                         {"attributes", attributes}};
    fmt::print("{}\n", line.dump(-1, ' ', false, engine::Json::error_handler_t::replace));
    return;
  }
  std::string told;
  for (const auto& [name, value] : attributes) {
    told += fmt::format("{}{}={}", told.empty() ? "" : ", ", printable(name), printable(value));
  }
  fmt::print("{} container {} {} ({})\n", local_time(event.time_ns, false), printable(event.action), event.id, told);
}

int run(const Context& context, const EventsFlags& flags) {
  Period period{wall_clock_ns(), INT64_MAX};
  for (auto [flag, text, limit] :
       {std::tuple("--since", &flags.since, &period.begin_ns), std::tuple("--until", &flags.until, &period.end_ns)}) {
    if (text->empty()) continue;
    Result<int64_t> time_ns = moment_of(flag, *text);
    if (!time_ns) return report(context, time_ns.error());
    *limit = *time_ns;
  }
  if (flags.since.empty() && !flags.until.empty() && period.end_ns < period.begin_ns) period.begin_ns = 0;
  std::optional<engine::Selection> selection = select(context, flags.services);
  if (!selection) return 1;

  // Watched before it is read: what comes after the reading is told. The file may not be there yet, its directory must.
  if (Status made = sys::make_dirs(context.paths.run, 0711); !made) return report(context, made);
  sys::UniqueFd watch(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  (void)inotify_add_watch(watch.get(), context.paths.run.c_str(), IN_MODIFY | IN_CREATE | IN_MOVED_TO);
  Signals signals;
  engine::EventReader reader(context.paths);
  for (;;) {
    while (std::optional<engine::Event> event = reader.next()) {
      if (engine::contains(*selection, *event) && event->time_ns >= period.begin_ns && event->time_ns <= period.end_ns)
        print(*event, flags.json);
    }
    fflush(stdout);
    int64_t left_ms = period.end_ns == INT64_MAX ? -1 : (period.end_ns - wall_clock_ns()) / 1'000'000;
    if (period.end_ns != INT64_MAX && left_ms <= 0) return 0;
    pollfd fds[] = {{watch.get(), POLLIN, 0}, {signals.fd().get(), POLLIN, 0}};
    poll(fds, 2, static_cast<int>(std::min<int64_t>(left_ms, 3'600'000)));
    if (signals.take() != 0) return 130;
    alignas(inotify_event) char changes[4096];
    while (read(watch.get(), changes, sizeof changes) > 0) continue;  // only that there are some matters
  }
}

}  // namespace

void add_events(Command app, Context& context) {
  auto flags = std::make_shared<EventsFlags>();
  Command command = app.add_command("events", "Receive real time events from containers");
  command.option("SERVICE", flags->services, "Services to tell of; all if none is named");
  command.flag("--json", flags->json, "Output events as a stream of json objects");
  command.option("--since", flags->since, "Show all events created since timestamp");
  command.option("--until", flags->until, "Stream events until this timestamp");
  command.dry_runs(context);
  command.runs(context, [&context, flags] { return run(context, *flags); });
}

}  // namespace berth::cli
