#include <fmt/core.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/image_commands.h"
#include "cli/listing.h"
#include "cli/project.h"
#include "cli/prune.h"
#include "cli/sizes.h"
#include "cli/timestamp.h"
#include "engine/state.h"
#include "images/store_usage.h"
#include "sys/directory.h"
#include "volumes/store.h"

namespace berth::cli {
namespace {

using Json = nlohmann::ordered_json;

struct SystemDfFlags {
  std::string format;
  bool verbose = false;
};

struct ContainerUsage {
  engine::Container container;
  uint64_t size = 0;  // its writable layer and its log
  [[nodiscard]] bool active() const {
    return container.live.alive() || container.live.status == engine::Status::restarting;
  }
};

struct VolumeUsage {
  std::string name;
  uint64_t size = 0;
  int links = 0;  // containers that mount it
};

struct Usage {
  images::StoreUsage images;
  uint64_t build_cache = 0;                // with the directories of cache mounts
  std::map<std::string, int> image_users;  // by id: containers
  std::vector<ContainerUsage> containers;
  std::vector<VolumeUsage> volumes;
};

Result<Usage> measure(const Context& context) {
  Usage usage;
  for (engine::Container& container : engine::StateStore(context.paths).observe().containers) {
    ++usage.image_users[container.record.image_id];
    uint64_t size = sys::disk_usage(context.paths.container(container.record.id));
    usage.containers.push_back({std::move(container), size});
  }
  BERTH_TRY(images::Store store, images::Store::open(context.paths));
  BERTH_TRY(usage.images, images::store_usage(store, images_in_use(context)));
  usage.build_cache =
      usage.images.build_cache + sys::disk_usage(cache_mounts(context)) + sys::disk_usage(repositories(context));
  BERTH_TRY(volumes::VolumeStore volumes, volumes::VolumeStore::open(context.paths));
  BERTH_TRY(std::vector<volumes::Volume> all, volumes.list());
  for (const volumes::Volume& volume : all) {
    VolumeUsage one{volume.name, sys::disk_usage(volume.data_dir), 0};
    for (const ContainerUsage& container : usage.containers)
      one.links += engine::mounts_volume(container.container.record, volume.name) ? 1 : 0;
    usage.volumes.push_back(std::move(one));
  }
  return usage;
}

Json summary_row(const char* type, size_t count, size_t active, uint64_t size, uint64_t reclaimable) {
  std::string text = size_text(reclaimable, 4);
  if (size > 0) text += fmt::format(" ({}%)", reclaimable * 100 / size);
  return {{"Active", std::to_string(active)},
          {"Reclaimable", text},
          {"Size", size_text(size, 4)},
          {"TotalCount", std::to_string(count)},
          {"Type", type}};
}

std::vector<Json> summary(const Usage& usage) {
  size_t active_images = 0, active_containers = 0, active_volumes = 0;
  uint64_t container_size = 0, container_free = 0, volume_size = 0, volume_free = 0;
  for (const images::ImageUsage& one : usage.images.images)
    active_images += usage.image_users.contains(one.image.id.str()) ? 1U : 0U;
  for (const ContainerUsage& one : usage.containers) {
    container_size += one.size;
    one.active() ? active_containers += 1 : container_free += one.size;
  }
  for (const VolumeUsage& one : usage.volumes) {
    volume_size += one.size;
    one.links > 0 ? active_volumes += 1 : volume_free += one.size;
  }
  return {
      summary_row("Images", usage.images.images.size(), active_images, usage.images.total, usage.images.reclaimable),
      summary_row("Containers", usage.containers.size(), active_containers, container_size, container_free),
      summary_row("Local Volumes", usage.volumes.size(), active_volumes, volume_size, volume_free),
      summary_row("Build Cache", usage.images.build_steps, 0, usage.build_cache, usage.build_cache)};
}

std::vector<Json> image_rows(const Usage& usage) {
  std::vector<Json> rows;
  for (const images::ImageUsage& one : usage.images.images) {
    ShownName shown = shown_name(one.image.names.empty() ? "" : one.image.names.front());
    auto users = usage.image_users.find(one.image.id.str());
    rows.push_back({{"Repository", shown.repository},
                    {"Tag", shown.tag},
                    {"ID", one.image.id.short_hex()},
                    {"CreatedSince", time_ago(one.image.created, wall_clock_ns())},
                    {"Size", size_text(one.total)},
                    {"SharedSize", size_text(one.shared, 4)},
                    {"UniqueSize", size_text(one.unique(), 4)},
                    {"Containers", std::to_string(users == usage.image_users.end() ? 0 : users->second)}});
  }
  return rows;
}

std::vector<Json> container_rows(const Usage& usage) {
  std::vector<Json> rows;
  for (const ContainerUsage& one : usage.containers) {
    const engine::ContainerRecord& record = one.container.record;
    auto is_volume = [](const engine::MountConfig& mount) { return mount.type == "volume"; };
    rows.push_back(
        {{"ID", record.short_id()},
         {"Image", record.config.image},
         {"Command", "\"" + join(record.args, " ") + "\""},
         {"LocalVolumes", std::to_string(std::count_if(record.mounts.begin(), record.mounts.end(), is_volume))},
         {"Size", size_text(one.size)},
         {"CreatedSince", human_duration(Duration(wall_clock_ns() - record.created_ns)) + " ago"},
         {"Status", engine::status_name(one.container.live.status)},
         {"Names", record.name}});
  }
  return rows;
}

std::vector<Json> volume_rows(const Usage& usage) {
  std::vector<Json> rows;
  for (const VolumeUsage& one : usage.volumes)
    rows.push_back({{"Name", one.name}, {"Links", std::to_string(one.links)}, {"Size", size_text(one.size)}});
  return rows;
}

Status print_details(const Usage& usage, const std::string& format) {
  std::vector<Json> images = image_rows(usage), containers = container_rows(usage), volumes = volume_rows(usage);
  if (format == "json") {
    Json all = {{"Images", images}, {"Containers", containers}, {"Volumes", volumes}, {"BuildCache", Json::array()}};
    fmt::print("{}\n", all.dump(-1, ' ', false, Json::error_handler_t::replace));
    return {};
  }
  if (!format.empty() && format != "table") return make_error("--verbose shows table or json only");
  BERTH_TRY(std::string image_table, render_listing(images,
                                                    {{"REPOSITORY", "Repository"},
                                                     {"TAG", "Tag"},
                                                     {"IMAGE ID", "ID"},
                                                     {"CREATED", "CreatedSince"},
                                                     {"SIZE", "Size"},
                                                     {"SHARED SIZE", "SharedSize"},
                                                     {"UNIQUE SIZE", "UniqueSize"},
                                                     {"CONTAINERS", "Containers"}},
                                                    ""));
  BERTH_TRY(std::string container_table, render_listing(containers,
                                                        {{"CONTAINER ID", "ID"},
                                                         {"IMAGE", "Image"},
                                                         {"COMMAND", "Command"},
                                                         {"LOCAL VOLUMES", "LocalVolumes"},
                                                         {"SIZE", "Size"},
                                                         {"CREATED", "CreatedSince"},
                                                         {"STATUS", "Status"},
                                                         {"NAMES", "Names"}},
                                                        ""));
  BERTH_TRY(std::string volume_table,
            render_listing(volumes, {{"VOLUME NAME", "Name"}, {"LINKS", "Links"}, {"SIZE", "Size"}}, ""));
  fmt::print(
      "Images space usage:\n\n{}\nContainers space usage:\n\n{}\nLocal Volumes space usage:\n\n{}\n"
      "Build cache usage: {}\n",
      image_table, container_table, volume_table, size_text(usage.build_cache));
  return {};
}

Status show(const Context& context, const SystemDfFlags& flags) {
  BERTH_TRY(Usage usage, measure(context));
  if (flags.verbose) return print_details(usage, flags.format);
  BERTH_TRY(std::string text, render_listing(summary(usage),
                                             {{"TYPE", "Type"},
                                              {"TOTAL", "TotalCount"},
                                              {"ACTIVE", "Active"},
                                              {"SIZE", "Size"},
                                              {"RECLAIMABLE", "Reclaimable"}},
                                             flags.format));
  fmt::print("{}", text);
  return {};
}

}  // namespace

void add_system_df(Command app, Context& context) {
  auto flags = std::make_shared<SystemDfFlags>();
  Command command = app.noun("system").add_command("df", "Show disk usage");
  command.option("--format", flags->format, "table, json, or a Go template");
  command.flag("-v,--verbose", flags->verbose, "Show detailed information on space usage");
  command.runs(context, [&context, flags] { return report(context, show(context, *flags)); });
}

}  // namespace berth::cli
