#include <fmt/core.h>

#include <memory>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/event_watch.h"
#include "cli/project.h"
#include "engine/event_log.h"
#include "engine/json.h"
#include "engine/selection.h"

namespace berth::cli {
namespace {

struct EventsFlags {
  std::vector<std::string> services;
  bool json = false;
  std::string since, until;
};

void print(const engine::Event& event, bool json) {
  engine::StringMap attributes;
  for (const auto& [name, value] : event.attributes) {
    if (!name.starts_with("com.docker.compose.")) attributes[name] = value;
  }
  if (json) {
    engine::Json line = {{"time", event_time(event.time_ns, true)},
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
  fmt::print("{} container {} {} ({})\n", event_time(event.time_ns, false), printable(event.action), event.id, told);
}

int run(const Context& context, const EventsFlags& flags) {
  Result<EventPeriod> period = event_period(flags.since, flags.until);
  if (!period) return report(context, period.error());
  std::optional<engine::Selection> selection = select(context, flags.services);
  if (!selection) return 1;
  return watch_events(context, *period, [&](const engine::Event& event) {
    if (engine::contains(*selection, event)) print(event, flags.json);
  });
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
