#include <memory>

#include "cli/inspect.h"
#include "cli/volume_commands.h"

namespace berth::cli {
namespace {

using Json = nlohmann::ordered_json;

struct VolumeInspectFlags {
  std::vector<std::string> volumes;
  std::string format;
};

Json map_or_null(const std::map<std::string, std::string>& map) {
  return map.empty() ? Json() : Json(map);
}

/// As `docker volume inspect` shows it: times without a fraction.
Json inspect(const volumes::Volume& volume) {
  return {{"CreatedAt", volume.created.substr(0, sizeof "2026-11-22T06:54:29" - 1) + "Z"},
          {"Driver", volume.driver},
          {"Labels", map_or_null(volume.labels)},
          {"Mountpoint", volume.data_dir},
          {"Name", volume.name},
          {"Options", map_or_null(volume.driver_opts)},
          {"Scope", "local"}};
}

}  // namespace

Result<Json> volume_json(const Context& context, const std::string& name) {
  BERTH_TRY(const volumes::VolumeStore store, volumes::VolumeStore::open(context.paths));
  BERTH_TRY(const volumes::Volume volume, store.inspect(name));
  return inspect(volume);
}

void add_volume_inspect(Command noun, Context& context) {
  auto flags = std::make_shared<VolumeInspectFlags>();
  Command command = noun.add_command("inspect", "Display detailed information on one or more volumes");
  command.option("VOLUME", flags->volumes, "Names").required();
  command.option("-f,--format", flags->format, "json, or a Go template");
  command.runs(context, [&context, flags] {
    return show_objects(context, flags->volumes, flags->format,
                        [&](const std::string& name) { return volume_json(context, name); });
  });
}

}  // namespace berth::cli
