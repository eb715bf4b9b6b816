// `volume ls` and Compose's `volumes`, which show the same rows.

#include <fmt/core.h>

#include <algorithm>
#include <memory>

#include "base/text.h"
#include "cli/list_filter.h"
#include "cli/listing.h"
#include "cli/project.h"
#include "cli/volume_commands.h"
#include "engine/plan_down.h"

namespace berth::cli {
namespace {

using Json = nlohmann::ordered_json;

struct VolumeLsFlags {
  std::vector<std::string> filters, services;
  std::string format;
  bool quiet = false;
};

/// The keys of `docker volume ls --format json`, in its order.
Json row(const volumes::Volume& volume) {
  std::vector<std::string> labels;
  for (const auto& [name, value] : volume.labels) labels.push_back(name + "=" + value);
  return {{"Availability", "N/A"}, {"Driver", volume.driver},
          {"Group", "N/A"},        {"Labels", join(labels, ",")},
          {"Links", "N/A"},        {"Mountpoint", volume.data_dir},
          {"Name", volume.name},   {"Scope", "local"},
          {"Size", "N/A"},         {"Status", "N/A"}};
}

Status show(const std::vector<Json>& rows, const VolumeLsFlags& flags) {
  if (flags.quiet && flags.format.empty()) {
    for (const Json& one : rows) fmt::print("{}\n", one["Name"].get<std::string>());
    return {};
  }
  BERTH_TRY(std::string text, render_listing(rows, {{"DRIVER", "Driver"}, {"VOLUME NAME", "Name"}}, flags.format));
  fmt::print("{}", text);
  return {};
}

Status list(const Context& context, const VolumeLsFlags& flags) {
  BERTH_TRY(const ListFilter filter, parse_list_filter(flags.filters, {"dangling", "driver", "label", "name"}));
  BERTH_TRY(volumes::VolumeStore store, volumes::VolumeStore::open(context.paths));
  BERTH_TRY(const std::vector<volumes::Volume> all, store.list());
  const std::set<std::string> used = used_volumes(engine::StateStore(context.paths).observe());
  std::vector<Json> rows;
  for (const volumes::Volume& volume : all) {
    auto about_it = [&](const std::string& key, const std::string& value) {
      if (key == "dangling") return used.contains(volume.name) != means_true(value);
      return key == "driver" ? volume.driver == value : volume.name.find(value) != std::string::npos;
    };
    if (filter.matches(volume.labels, about_it)) rows.push_back(row(volume));
  }
  return show(rows, flags);
}

/// The project's by their label, or those that containers of the services mount.
int list_of_project(const Context& context, const VolumeLsFlags& flags) {
  std::optional<engine::Selection> selection = select(context, flags.services);
  if (!selection) return 1;
  auto work = [&]() -> Status {
    BERTH_TRY(volumes::VolumeStore store, volumes::VolumeStore::open(context.paths));
    BERTH_TRY(const std::vector<volumes::Volume> all, store.list({{"com.docker.compose.project", selection->project}}));
    const engine::Observed observed = engine::StateStore(context.paths).observe();
    const std::vector<const engine::Container*> containers = engine::select(observed, *selection);
    std::vector<Json> rows;
    for (const volumes::Volume& volume : all) {
      bool mounted = std::any_of(containers.begin(), containers.end(), [&](const engine::Container* container) {
        return engine::mounts_volume(container->record, volume.name);
      });
      if (flags.services.empty() || mounted) rows.push_back(row(volume));
    }
    return show(rows, flags);
  };
  return report(context, work());
}

}  // namespace

void add_volume_ls(Command noun, Context& context) {
  auto flags = std::make_shared<VolumeLsFlags>();
  Command command = noun.add_command("ls", "List volumes").alias("list");
  command.option("-f,--filter", flags->filters, "Filter output: dangling=, driver=, label=, name=");
  command.option("--format", flags->format, "table, json, or a Go template");
  command.flag("-q,--quiet", flags->quiet, "Only display volume names");
  command.runs(context, [&context, flags] { return report(context, list(context, *flags)); });
}

void add_compose_volumes(Command app, Context& context) {
  auto flags = std::make_shared<VolumeLsFlags>();
  Command command = app.add_command("volumes", "List volumes");
  command.option("SERVICE", flags->services, "Only those that containers of these services mount");
  command.option("--format", flags->format, "table, json, or a Go template");
  command.flag("-q,--quiet", flags->quiet, "Only display volume names");
  command.dry_runs(context);
  command.runs(context, [&context, flags] { return list_of_project(context, *flags); });
}

}  // namespace berth::cli
