#include <fmt/core.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/event_watch.h"
#include "cli/go_template.h"
#include "cli/list_filter.h"
#include "cli/listing.h"
#include "cli/project.h"
#include "cli/system_commands.h"

namespace berth::cli {
namespace {

using Json = nlohmann::ordered_json;

struct SystemEventsFlags {
  std::vector<std::string> filters;
  std::string format, since, until;
};

/// As Docker encodes one, or, for templates, under the names that its fields have in Go.
Json event_json(const engine::Event& event, bool encoded) {
  auto from = event.attributes.find("image");
  const std::string image = from == event.attributes.end() ? "" : from->second;
  return {{encoded ? "status" : "Status", event.action},
          {encoded ? "id" : "ID", event.id},
          {encoded ? "from" : "From", image},
          {"Type", "container"},
          {"Action", event.action},
          {"Actor", {{"ID", event.id}, {"Attributes", event.attributes}}},
          {encoded ? "scope" : "Scope", "local"},
          {encoded ? "time" : "Time", event.time_ns / 1'000'000'000},
          {encoded ? "timeNano" : "TimeNano", event.time_ns}};
}

std::string event_line(const engine::Event& event) {
  std::string told;
  for (const auto& [name, value] : event.attributes)
    told += fmt::format("{}{}={}", told.empty() ? "" : ", ", printable(name), printable(value));
  return fmt::format("{} container {} {} ({})", event_time(event.time_ns, true), printable(event.action), event.id,
                     told);
}

bool holds_of(const engine::Event& event, const std::string& key, const std::string& value) {
  auto attribute = [&](const char* name) {
    auto found = event.attributes.find(name);
    return found == event.attributes.end() ? "" : found->second;
  };
  if (key == "container") return event.id.starts_with(value) || attribute("name") == value;
  if (key == "event") return event.action == value || event.action.starts_with(value + ":");
  if (key == "image") return attribute("image") == value;
  return value == (key == "type" ? "container" : "local");  // scope
}

Result<int> watch_all(const Context& context, const SystemEventsFlags& flags) {
  BERTH_TRY(EventPeriod period, event_period(flags.since, flags.until));
  BERTH_TRY(ListFilter filter,
            parse_list_filter(flags.filters, {"container", "event", "image", "label", "scope", "type"}));
  const bool json = flags.format == "json" || flags.format == "{{json .}}";
  BERTH_TRY(GoTemplate shown, GoTemplate::parse(json ? "" : flags.format));
  return watch_events(context, period, [&](const engine::Event& event) {
    auto holds = [&](const std::string& key, const std::string& value) { return holds_of(event, key, value); };
    if (!filter.matches(event.attributes, holds)) return;
    if (flags.format.empty()) return fmt::print("{}\n", event_line(event));
    if (json) {
      return fmt::print("{}\n", event_json(event, true).dump(-1, ' ', false, Json::error_handler_t::replace));
    }
    Result<std::string> text = shown.render(event_json(event, false));
    if (!text) return print_error(context, text.error());
    fmt::print("{}\n", printable_lines(*text));
  });
}

}  // namespace

void add_system_events(Command app, Context& context) {
  auto flags = std::make_shared<SystemEventsFlags>();
  Command command = app.noun("system").add_command("events", "Get real time events of all containers");
  command.option("-f,--filter", flags->filters, "Only what matches: container=, event=, image=, label=, scope=, type=");
  command.option("--format", flags->format, "json, or a Go template");
  command.option("--since", flags->since, "Show all events created since timestamp");
  command.option("--until", flags->until, "Stream events until this timestamp");
  command.runs(context, [&context, flags] {
    Result<int> code = watch_all(context, *flags);
    return code ? *code : report(context, code.error());
  });
}

}  // namespace berth::cli
