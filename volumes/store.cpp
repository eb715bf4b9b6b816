#include "volumes/store.h"

#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/clock.h"
#include "base/text.h"
#include "sys/file.h"
#include "sys/lock.h"
#include "volumes/leftovers.h"
#include "volumes/volume_file.h"
#include "volumes/volume_mount.h"

// How this works: a volume is made under a temporary name, metadata first, and renamed into place; it is removed by
// renaming it away first. So a directory under a volume's name is always a whole volume. `.lock` orders makers and
// removers; temporaries of the dead are swept by the next maker.

namespace berth::volumes {
namespace {

constexpr size_t kMaxName = 255;
constexpr std::string_view kTemporary = ".tmp-";

bool is_alnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool matches(const Volume& volume, const std::map<std::string, std::string>& filter) {
  return std::all_of(filter.begin(), filter.end(), [&](const auto& wanted) {
    auto label = volume.labels.find(wanted.first);
    return label != volume.labels.end() && (wanted.second.empty() || label->second == wanted.second);
  });
}

Result<std::vector<std::string>> volume_names(const std::string& directory) {
  BERTH_TRY(std::vector<std::string> names, sys::list_dir(directory));
  std::erase_if(names, [](const std::string& name) { return name.starts_with('.'); });
  return names;
}

Status sweep_temporaries(const std::string& directory) {
  BERTH_TRY(std::vector<std::string> names, sys::list_dir(directory));
  for (const std::string& name : names) {
    if (name.starts_with(kTemporary)) BERTH_TRY_OK(sys::remove_tree(directory + "/" + name));
  }
  return {};
}

Result<sys::FileLock> lock(const std::string& directory) {
  return sys::FileLock::acquire(directory + "/.lock");
}

Status make_volume(const std::string& directory, const Volume& volume) {
  std::string staging = std::string(kTemporary) + sys::random_hex(8);
  std::string path = directory + "/" + staging;
  BERTH_TRY_OK(sys::make_dirs(path, 0700));
  BERTH_TRY_OK(sys::write_file_atomic(path + "/volume.json", render_volume(volume), sys::Durability::disk, 0600));
  std::string data = path + "/_data";
  BERTH_TRY_OK(sys::make_dirs(data, 0755));
  if (chmod(data.c_str(), 0755) != 0) return sys_error("chmod " + data, errno);  // whatever the umask
  BERTH_TRY_OK(sys::sync_dir(path));
  std::string place = directory + "/" + volume.name;
  if (rename(path.c_str(), place.c_str()) != 0) return sys_error("rename to " + place, errno);
  return sys::sync_dir(directory);
}

}  // namespace

Status check_volume_name(std::string_view name) {
  auto follows = [](char c) { return is_alnum(c) || c == '_' || c == '.' || c == '-'; };
  bool good =
      !name.empty() && name.size() <= kMaxName && is_alnum(name[0]) && std::all_of(name.begin(), name.end(), follows);
  if (good) return {};
  return make_error(
      fmt::format("volume name \"{}\": expected a letter or digit, then letters, digits, \"_\", \".\" and \"-\"",
                  printable(name.substr(0, 300))));
}

Result<VolumeStore> VolumeStore::open(const sys::Paths& paths) {
  return open_directory(paths.volumes());
}

Result<VolumeStore> VolumeStore::open_directory(const std::string& directory) {
  if (!sys::exists(directory)) BERTH_TRY_OK(sys::make_dirs(directory, 0700).context("make the volume store"));
  return VolumeStore(directory);
}

Result<Volume> VolumeStore::create(const VolumeRequest& request) const {
  BERTH_TRY_OK(check_volume_name(request.name));
  if (request.driver != "local" && !request.driver.empty()) {
    return make_error(fmt::format("volume {}: driver \"{}\" is not known", request.name, printable(request.driver)),
                      "berth has the driver \"local\"");
  }
  BERTH_TRY(auto held, lock(directory_));
  if (sys::exists(volume_path(request.name))) {
    BERTH_TRY(Volume existing, read_volume(directory_, request.name));
    if (existing.driver_opts != request.driver_opts) {
      return make_error(fmt::format("volume {} exists with other driver options", request.name),
                        "remove it first, or give the options it was made with");
    }
    return existing;
  }
  BERTH_TRY_OK(sweep_temporaries(directory_));
  Volume volume;
  volume.name = request.name;
  volume.driver_opts = request.driver_opts;
  volume.labels = request.labels;
  volume.created = format_rfc3339(wall_clock_ns());
  BERTH_TRY_OK(make_volume(directory_, volume).context("make volume {}", request.name));
  return read_volume(directory_, request.name);
}

Result<Volume> VolumeStore::inspect(const std::string& name) const {
  BERTH_TRY_OK(check_volume_name(name));
  if (sys::exists(volume_path(name))) return read_volume(directory_, name);
  Error error = sys_error(fmt::format("volume \"{}\"", name), ENOENT);
  BERTH_TRY(std::vector<std::string> names, volume_names(directory_));
  if (auto near = nearest(name, names)) error.hint = fmt::format("did you mean \"{}\"?", *near);
  return error;
}

Result<std::vector<Volume>> VolumeStore::list(const std::map<std::string, std::string>& labels,
                                              std::vector<Error>* damaged) const {
  BERTH_TRY(std::vector<std::string> names, volume_names(directory_));
  std::vector<Volume> volumes;
  for (const std::string& name : names) {
    auto volume = read_volume(directory_, name);
    if (!volume && !sys::exists(volume_path(name))) continue;  // removed meanwhile
    if (!volume && damaged != nullptr) damaged->push_back(std::move(volume).error());
    if (volume && matches(*volume, labels)) volumes.push_back(std::move(volume).value());
  }
  return volumes;
}

Status VolumeStore::remove(const std::string& name) const {
  BERTH_TRY_OK(check_volume_name(name));
  BERTH_TRY(auto held, lock(directory_));
  // First of all: what is mounted there is not ours to delete.
  BERTH_TRY_OK(unmount_volume(volume_path(name) + "/_data"));
  std::string doomed = directory_ + "/" + std::string(kTemporary) + sys::random_hex(8);
  if (rename(volume_path(name).c_str(), doomed.c_str()) != 0) {
    if (errno == ENOENT) return {};
    return sys_error("remove volume " + name, errno);
  }
  BERTH_TRY_OK(sys::sync_dir(directory_));
  return sys::remove_tree(doomed).context("remove volume {}", name);
}

Status sweep(const VolumeStore& store) {
  BERTH_TRY(auto held, lock(store.directory()));
  return sweep_temporaries(store.directory());
}

Status VolumeStore::mark_populated(const std::string& name) const {
  BERTH_TRY(auto held, sys::FileLock::acquire(volume_path(name) + "/lock"));
  BERTH_TRY(Volume volume, inspect(name));
  if (volume.populated) return {};
  volume.populated = true;
  return write_volume(directory_, volume);
}

}  // namespace berth::volumes
