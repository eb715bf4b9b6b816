#include <fmt/core.h>

#include "base/text.h"
#include "engine/lower_parts.h"
#include "images/digest.h"
#include "sys/file.h"
#include "volumes/volume_mount.h"

namespace berth::engine {
namespace {

using compose::Mount;

/// "0444"-like owners come as text in compose files.
uint32_t id_of(const std::optional<std::string>& text) {
  return static_cast<uint32_t>(text ? parse_unsigned(*text).value_or(0) : 0);
}

/// The image of a service of that name, else an image's reference as it stands.
std::string image_of(const compose::Project& project, const std::string& source) {
  const compose::Service* service = project.find_service(source);
  if (service == nullptr) return source;
  return service->image ? *service->image : project.name + "-" + source;
}

void lower_bind(const compose::BindOptions& bind, MountConfig& config) {
  config.create_host_path = bind.create_host_path.value_or(true);
  config.propagation = bind.propagation.value_or("");
  const std::string recursive = bind.recursive.value_or("enabled");
  config.recursive = recursive != "disabled";
  config.read_only_below = recursive != "writable";
}

MountConfig lower_mount(const Lowering& in, const Mount& mount) {
  MountConfig config;
  config.type = std::string(compose::mount_type_name(mount.type));
  config.source = mount.source;
  config.target = mount.target;
  config.read_only = mount.read_only.value_or(false);
  config.place = mount.span.str();
  if (mount.type == Mount::Type::volume && !mount.source.empty()) {
    config.source = in.project.volumes.at(mount.source).name;
  } else if (mount.type == Mount::Type::image) {
    if (mount.source.empty()) in.diagnostics.error(mount.span, "a mount of an image needs the image as its source");
    config.source = image_of(in.project, mount.source);
  } else if (mount.type == Mount::Type::npipe || mount.type == Mount::Type::cluster) {
    in.diagnostics.error(mount.span, fmt::format("mounts of type \"{}\" are not supported", config.type),
                         "bind, volume, tmpfs and image are");
  }
  if (mount.bind) lower_bind(*mount.bind, config);
  if (mount.volume) {
    config.no_copy = mount.volume->nocopy.value_or(false);
    config.subpath = mount.volume->subpath.value_or("");
    config.labels = map_of(mount.volume->labels);
  }
  if (mount.tmpfs) {
    config.tmpfs_size = mount.tmpfs->size.value_or(0);
    config.tmpfs_mode = mount.tmpfs->mode;
  }
  if (mount.image && mount.type == Mount::Type::image) config.subpath = mount.image->subpath.value_or("");
  return config;
}

/// "path[:options]"
MountConfig lower_tmpfs(const std::string& text, const SourceSpan& span) {
  MountConfig config;
  config.type = "tmpfs";
  size_t colon = text.find(':');
  config.target = text.substr(0, colon);
  if (colon != std::string::npos) config.tmpfs_options = text.substr(colon + 1);
  config.place = span.str();
  return config;
}

/// "SERVICE[:ro|:rw]" or "container:NAME[:ro|:rw]"
VolumesFrom lower_volumes_from(const Lowering& in, const std::string& text) {
  std::vector<std::string> parts = split(text, ':');
  VolumesFrom config;
  size_t named = parts[0] == "container" && parts.size() > 1 ? 1 : 0;
  config.from = (named == 1 ? "container:" : "service:") + parts[named];
  const std::string mode = parts.size() > named + 1 ? parts[named + 1] : "rw";
  config.read_only = mode == "ro";
  if ((mode != "ro" && mode != "rw") || parts.size() > named + 2 || parts[named].empty()) {
    in.diagnostics.error(in.service.place("volumes_from"), fmt::format("volumes_from: \"{}\" is not understood", text),
                         "write SERVICE or container:NAME, and perhaps :ro or :rw");
  }
  return config;
}

/// Of the content as it is now, so that another one makes another container. "" for a directory, and for what is not
/// there: that is told when it is mounted.
std::string digest_of(const std::string& path) {
  Result<std::string> content = sys::read_file(path);
  return content ? images::sha256_of(*content).str() : "";
}

FileMount file(const Lowering& in, const compose::FileGrant& grant,
               const std::map<std::string, compose::FileObject>& objects, const std::string& directory) {
  const compose::FileObject& object = objects.at(grant.source);
  FileMount mount;
  std::string target = grant.target.empty() ? grant.source : grant.target;
  mount.target = target.front() == '/' ? target : directory + target;
  mount.uid = id_of(grant.uid);
  mount.gid = id_of(grant.gid);
  mount.mode = grant.mode.value_or(0444);
  if (object.file) {
    mount.source_path = *object.file;
    mount.digest = digest_of(*object.file);
  }
  mount.content = object.content;
  if (object.value) {
    mount.content = object.value;
  } else if (object.environment) {
    auto value = in.project.environment.find(*object.environment);
    if (value != in.project.environment.end())
      mount.content = value->second;
    else {
      in.diagnostics.error(grant.span, fmt::format("environment variable \"{}\" required by \"{}\" is not set",
                                                   *object.environment, grant.source));
    }
  }
  if (object.external) {
    in.diagnostics.error(object.span,
                         fmt::format("external secrets and configs are not supported (\"{}\")", grant.source),
                         "use file, environment or content");
  }
  return mount;
}

}  // namespace

void lower_storage(const Lowering& in) {
  const compose::Service& s = in.service;
  ContainerConfig& c = in.container;
  for (const Mount& mount : s.volumes) c.mounts.push_back(lower_mount(in, mount));
  for (const std::string& text : s.tmpfs) c.mounts.push_back(lower_tmpfs(text, s.place("tmpfs")));
  for (const std::string& text : s.volumes_from) c.volumes_from.push_back(lower_volumes_from(in, text));
  for (const compose::FileGrant& grant : s.secrets) {
    c.files.push_back(file(in, grant, in.project.secrets, "/run/secrets/"));
  }
  for (const compose::FileGrant& grant : s.configs) c.files.push_back(file(in, grant, in.project.configs, "/"));
  c.read_only = s.read_only.value_or(false);
  c.shm_size = s.shm_size.value_or(0);
  for (const compose::Device& device : s.devices)
    c.devices.push_back({device.source, device.target, device.permissions});
  c.device_cgroup_rules = s.device_cgroup_rules;
}

VolumeConfig lower_volume(const compose::Project& project, const std::string& key, Diagnostics& diagnostics) {
  const compose::Volume& v = project.volumes.at(key);
  VolumeConfig config;
  config.key = key;
  config.name = v.name;
  config.external = v.external;
  config.driver = v.driver.value_or("local");
  config.options = map_of(v.driver_opts);
  config.labels = map_of(v.labels);
  config.place = v.span.str();
  if (berth::Status good = volumes::check_driver_options(config.options); !good && !v.external) {
    diagnostics.error(v.span, fmt::format("volume \"{}\": {}", key, good.error().message()), good.error().hint);
  }
  return config;
}

}  // namespace berth::engine
