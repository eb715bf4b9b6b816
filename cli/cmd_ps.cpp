#include <fmt/core.h>

#include <algorithm>
#include <memory>

#include "base/clock.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/project.h"
#include "cli/published.h"
#include "cli/table.h"
#include "engine/json.h"

namespace berth::cli {
namespace {

using engine::Container;

struct PsFlags {
  std::vector<std::string> services, statuses, filters;
  std::string format = "table";
  bool all = false, quiet = false, list_services = false, no_trunc = false;
};

/// `"docker-entrypoint.s…"`: quoted, at most 20 characters unless asked for all.
std::string command_text(const Container& c, bool full) {
  std::string text = join(c.record.args, " ");
  if (!full && text.size() > 20) text = text.substr(0, 19) + "…";
  return "\"" + text + "\"";
}

std::string age(int64_t since_ns) {
  return human_duration(Duration(wall_clock_ns() - since_ns)) + " ago";
}

std::string status_text(const Container& c) {
  const engine::LiveState& live = c.live;
  switch (live.status) {
    case engine::Status::created:
      return "Created";
    case engine::Status::exited:
      return fmt::format("Exited ({}) {}", live.exit_code, age(live.finished_ns));
    case engine::Status::restarting:
      return fmt::format("Restarting ({}) {}", live.exit_code, age(live.finished_ns));
    case engine::Status::removing:
      return "Removal In Progress";
    case engine::Status::dead:
      return "Dead";
    case engine::Status::running:
    case engine::Status::paused:
      break;
  }
  std::string text = "Up " + human_duration(Duration(wall_clock_ns() - live.started_ns));
  if (live.status == engine::Status::paused) return text + " (Paused)";
  if (live.health == "starting") return text + " (health: starting)";
  return live.health.empty() ? text : text + " (" + live.health + ")";
}

std::string ports_text(const Container& c) {
  std::vector<std::string> texts;
  if (!c.live.alive()) return "";
  for (const engine::PublishedPort& port : bindings(c)) {
    texts.push_back(fmt::format("{}->{}/{}", host_address(port), port.container_port, port.protocol));
  }
  for (const std::string& exposed : c.record.expose) {
    std::string full = exposed.find('/') == std::string::npos ? exposed + "/tcp" : exposed;
    bool published = std::any_of(c.live.ports.begin(), c.live.ports.end(), [&](const engine::PublishedPort& port) {
      return full == fmt::format("{}/{}", port.container_port, port.protocol);
    });
    if (!published) texts.push_back(full);
  }
  return join(texts, ", ");
}

engine::Json publishers(const Container& c) {
  engine::Json list = engine::Json::array();
  for (const engine::PublishedPort& port : bindings(c)) {
    list.push_back({{"URL", port.host_ip},
                    {"TargetPort", port.container_port},
                    {"PublishedPort", port.host_port},
                    {"Protocol", port.protocol}});
  }
  return list;
}

std::string labels_text(const Container& c) {
  std::vector<std::string> texts;
  for (const auto& [name, value] : c.record.labels) texts.push_back(name + "=" + value);
  return join(texts, ",");
}

std::string created_text(int64_t ns) {
  time_t seconds = ns / 1'000'000'000;
  tm parts{};
  localtime_r(&seconds, &parts);
  char text[64];
  strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %z %Z", &parts);
  return text;
}

/// The keys of `docker compose ps --format json`, in its order.
nlohmann::ordered_json row(const Container& c, bool full) {
  std::vector<std::string> mounts, networks;
  int64_t local_volumes = 0;
  for (const engine::MountConfig& mount : c.record.mounts) {
    if (mount.type == "tmpfs") continue;
    mounts.push_back(mount.source);
    if (mount.type == "volume") ++local_volumes;
  }
  for (const engine::AttachmentConfig& a : c.record.config.attachments) networks.push_back(a.network);
  return {{"Command", command_text(c, full)},
          {"CreatedAt", created_text(c.record.created_ns)},
          {"ExitCode", c.live.exit_code},
          {"Health", c.live.health},
          {"ID", full ? c.record.id : c.record.short_id()},
          {"Image", c.record.config.image},
          {"Labels", labels_text(c)},
          {"LocalVolumes", std::to_string(local_volumes)},
          {"Mounts", join(mounts, ",")},
          {"Name", c.record.name},
          {"Names", c.record.name},
          {"Networks", join(networks, ",")},
          {"Ports", ports_text(c)},
          {"Project", c.record.project},
          {"Publishers", publishers(c)},
          {"RunningFor", age(c.record.created_ns)},
          {"Service", c.record.service},
          {"Size", "0B"},
          {"State", engine::status_name(c.live.status)},
          {"Status", status_text(c)}};
}

bool shown(const Container& c, const PsFlags& flags) {
  std::vector<std::string> statuses = flags.statuses;
  for (const std::string& filter : flags.filters) {
    if (filter.rfind("status=", 0) == 0) statuses.push_back(filter.substr(7));
  }
  if (statuses.empty()) return flags.all || c.live.alive() || c.live.status == engine::Status::restarting;
  return std::find(statuses.begin(), statuses.end(), engine::status_name(c.live.status)) != statuses.end();
}

void print(const std::vector<const Container*>& containers, const PsFlags& flags) {
  if (flags.quiet) {
    for (const Container* c : containers) fmt::print("{}\n", c->record.id);
  } else if (flags.list_services) {
    std::set<std::string> names;
    for (const Container* c : containers) names.insert(c->record.service);
    for (const std::string& name : names) fmt::print("{}\n", printable(name));
  } else if (flags.format == "json") {
    for (const Container* c : containers) {
      fmt::print("{}\n", row(*c, flags.no_trunc).dump(-1, ' ', false, engine::Json::error_handler_t::replace));
    }
  } else {
    std::vector<std::vector<std::string>> rows;
    for (const Container* c : containers) {
      rows.push_back({c->record.name, c->record.config.image, command_text(*c, flags.no_trunc), c->record.service,
                      age(c->record.created_ns), status_text(*c), ports_text(*c)});
    }
    fmt::print("{}", render_table({"NAME", "IMAGE", "COMMAND", "SERVICE", "CREATED", "STATUS", "PORTS"}, rows));
  }
}

int run(const Context& context, const PsFlags& flags) {
  std::optional<engine::Selection> selection = select(context, flags.services);
  if (!selection) return 1;
  selection->include_one_off = flags.all;
  std::vector<std::string> problems;
  engine::Observed observed = engine::StateStore(context.paths).observe(&problems);
  for (const std::string& problem : problems) fmt::print(stderr, "warning: {}\n", printable(problem));
  std::vector<const Container*> containers = engine::select(observed, *selection);
  std::erase_if(containers, [&](const Container* c) { return !shown(*c, flags); });
  print(containers, flags);
  return 0;
}

}  // namespace

void add_ps(Command app, Context& context) {
  auto flags = std::make_shared<PsFlags>();
  Command command = app.add_command("ps", "List containers");
  command.option("SERVICE", flags->services, "Services; all if none is named");
  command.flag("-a,--all", flags->all, "Show all stopped containers (including those created by the run command)");
  command.flag("-q,--quiet", flags->quiet, "Only display IDs");
  command.flag("--services", flags->list_services, "Display services");
  command.option("--status", flags->statuses, "Filter services by status");
  command.option("--filter", flags->filters, "Filter services by a property (supported filters: status)");
  command.option("--format", flags->format, "Format output").one_of({"table", "json"});
  command.flag("--no-trunc", flags->no_trunc, "Don't truncate output");
  command.dry_runs(context);
  command.runs(context, [&context, flags] { return run(context, *flags); });
}

}  // namespace berth::cli
