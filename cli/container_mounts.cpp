#include "cli/container_mounts.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"
#include "compose/volume.h"

namespace berth::cli {
namespace {

using Json = ContainerModel::Json;

/// A key of --mount, and where in Compose's long form its value goes.
struct MountKey {
  const char* name;
  const char* attribute;
  bool truth = false;
};
constexpr MountKey kMountKeys[] = {
    {"type", "/type"},
    {"source", "/source"},
    {"src", "/source"},
    {"target", "/target"},
    {"destination", "/target"},
    {"dst", "/target"},
    {"readonly", "/read_only", true},
    {"ro", "/read_only", true},
    {"consistency", "/consistency"},
    {"bind-propagation", "/bind/propagation"},
    {"bind-recursive", "/bind/recursive"},
    {"volume-nocopy", "/volume/nocopy", true},
    {"volume-subpath", "/volume/subpath"},
    {"tmpfs-size", "/tmpfs/size"},
    {"tmpfs-mode", "/tmpfs/mode"},
};

void declare_volume(ContainerModel& model, const std::string& name, Json options, const std::string& flag) {
  options["name"] = name;
  model.declare("volumes", name, std::move(options), flag);
}

std::vector<std::string> known_keys() {
  std::vector<std::string> names = {"bind-nonrecursive", "volume-driver", "volume-label", "volume-opt"};
  for (const MountKey& key : kMountKeys) names.emplace_back(key.name);
  return names;
}

/// Of `--mount`: what is mounted, and how its volume is made.
struct MountFlag {
  Json mount = {{"type", "volume"}}, volume = Json::object();

  Status take(const std::string& name, const std::string& value, bool has_value) {
    const bool is_true = !has_value || value == "true" || value == "1";
    if (auto key = std::find_if(std::begin(kMountKeys), std::end(kMountKeys),
                                [&](const MountKey& k) { return name == k.name; });
        key != std::end(kMountKeys)) {
      Json& place = mount[Json::json_pointer(key->attribute)];
      if (key->truth)
        place = is_true;
      else
        place = value;
      return {};
    }
    const size_t equals = value.find('=');
    const std::string option = value.substr(0, equals);
    const std::string its_value = equals == std::string::npos ? "" : value.substr(equals + 1);
    if (name == "bind-nonrecursive") {
      mount["bind"]["recursive"] = is_true ? "disabled" : "enabled";
    } else if (name == "volume-driver") {
      volume["driver"] = value;
    } else if (name == "volume-label") {
      volume["labels"][option] = its_value;
    } else if (name == "volume-opt") {
      volume["driver_opts"][option] = its_value;
    } else {
      std::optional<std::string> near = nearest(name, known_keys());
      return make_error("unexpected key \"" + printable(name) + "\"", near ? "did you mean \"" + *near + "\"?" : "");
    }
    return {};
  }
};

}  // namespace

Status add_volume(ContainerModel& model, const std::string& text, const std::string& flag) {
  std::vector<std::string> unknown;
  Result<compose::Mount> mount = compose::parse_mount(text, unknown);  // a mistake is the loader's to tell
  if (mount && mount->type == compose::Mount::Type::volume && !mount->source.empty())
    declare_volume(model, mount->source, Json::object(), flag);
  model.add("/volumes", text, flag);
  return {};
}

Status add_mount(ContainerModel& model, const std::string& text, const std::string& flag) {
  MountFlag mount;
  for (const std::string& field : split(text, ',')) {
    const size_t equals = field.find('=');
    const bool has_value = equals != std::string::npos;
    BERTH_TRY_OK(mount.take(to_lower(field.substr(0, equals)), has_value ? field.substr(equals + 1) : "", has_value)
                     .context("{} {}", flag, printable(text)));
  }
  const std::string type = mount.mount["type"], source = mount.mount.value("source", "");
  // Other than with -v, what is to be mounted must be there.
  if (type == "bind") mount.mount["bind"]["create_host_path"] = false;
  if (type == "volume" && !source.empty())
    declare_volume(model, source, std::move(mount.volume), flag);
  else if (type == "volume" && mount.volume.contains("labels"))
    mount.mount["volume"]["labels"] = mount.volume["labels"];
  model.add("/volumes", std::move(mount.mount), flag);
  return {};
}

}  // namespace berth::cli
