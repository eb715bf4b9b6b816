#include "cli/container_files.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "base/text.h"
#include "images/layer_tree.h"
#include "sys/file.h"
#include "sys/mount_tree.h"
#include "volumes/store.h"
#include "volumes/volume_mount.h"

namespace berth::cli {
namespace {

Result<sys::UniqueFd> root_of_process(const sys::ProcessIdentity& process) {
  BERTH_TRY(sys::Pidfd handle, sys::open_identified(process));
  BERTH_TRY(sys::UniqueFd root, sys::open_file(fmt::format("/proc/{}/root", process.pid), O_PATH | O_DIRECTORY));
  if (handle.exited()) return sys_error("open the container's root", ESRCH);  // the number may be another's by now
  return root;
}

/// What is mounted there, in no namespace yet; invalid where it is there only while the container runs.
Result<sys::UniqueFd> tree_of(const Context& context, const engine::MountConfig& mount) {
  if (mount.type == "image") return sys::merge_layers(mount.layers, mount.subpath);
  sys::UniqueFd source;
  if (mount.type == "volume") {
    BERTH_TRY(volumes::VolumeStore volumes, volumes::VolumeStore::open(context.paths));
    BERTH_TRY(volumes::Volume volume, volumes.inspect(mount.source));
    BERTH_TRY_OK(volumes::mount_volume(volume));
    BERTH_TRY(source, sys::open_file(volume.data_dir, O_PATH | O_DIRECTORY));
    if (!mount.subpath.empty()) {
      BERTH_TRY(source, sys::open_in_root(source.ref(), mount.subpath, O_PATH));
    }
  } else if (mount.type == "bind") {
    Result<sys::UniqueFd> there = sys::open_file(mount.source, O_PATH);
    if (!there) return sys::UniqueFd();  // away; a start would say so
    source = std::move(*there);
  } else {
    return sys::UniqueFd();
  }
  sys::Below below = mount.recursive ? sys::Below::included : sys::Below::left_out;
  BERTH_TRY(sys::UniqueFd tree, sys::copy_mount(source.ref(), below));
  if (mount.read_only) {
    sys::Below fixed = mount.read_only_below ? below : sys::Below::left_out;
    BERTH_TRY_OK(sys::make_read_only(tree.ref(), fixed));
  }
  return tree;
}

/// Opens the place to mount on, made as a start of the container would make it.
Result<sys::UniqueFd> mount_point(sys::FdRef root, const std::string& path, bool directory) {
  Result<sys::UniqueFd> there = sys::open_in_root(root, path, O_PATH);
  if (there || there.error().code != ENOENT) return there;
  size_t slash = path.rfind('/');
  BERTH_TRY(sys::UniqueFd parent, mount_point(root, slash == std::string::npos ? "." : path.substr(0, slash), true));
  std::string name = path.substr(slash + 1);
  if (directory) {
    if (mkdirat(parent.get(), name.c_str(), 0755) != 0) return sys_error("make " + printable(path), errno);
  } else {
    BERTH_TRY(sys::UniqueFd made, sys::open_at(parent.ref(), name, O_WRONLY | O_CREAT | O_EXCL, 0755));
  }
  return sys::open_in_root(root, path, O_PATH);
}

Status mount_below(sys::FdRef root, const Context& context, const engine::MountConfig& mount) {
  BERTH_TRY(sys::UniqueFd tree, tree_of(context, mount));
  if (!tree.valid()) return {};
  struct stat info {};
  if (fstat(tree.get(), &info) != 0) return sys_error("stat", errno);
  BERTH_TRY(std::string target, images::clean_entry_name(mount.target));
  BERTH_TRY(sys::UniqueFd place, mount_point(root, target, S_ISDIR(info.st_mode)));
  return sys::attach_mount(tree.ref(), place.ref());
}

Result<sys::UniqueFd> mount_stopped(const Context& context, const engine::ContainerRecord& record) {
  BERTH_TRY_OK(sys::enter_own_mount_namespace());
  std::string directory = context.paths.container(record.id);
  std::string upper = directory + "/upper", work = directory + "/work";
  BERTH_TRY_OK(sys::make_dirs(upper, 0755));  // a container that never ran
  BERTH_TRY_OK(sys::make_dirs(work, 0755));
  BERTH_TRY_OK(sys::mount_overlay(record.layers, upper, work, work));
  BERTH_TRY(sys::UniqueFd root, sys::open_file(work, O_PATH | O_DIRECTORY));
  std::vector<engine::MountConfig> mounts = record.mounts;
  std::sort(mounts.begin(), mounts.end(), [](const auto& a, const auto& b) { return a.target < b.target; });
  for (const engine::MountConfig& mount : mounts)
    BERTH_TRY_OK(mount_below(root.ref(), context, mount).context("{} {}", mount.type, printable(mount.target)));
  if (record.config.read_only) BERTH_TRY_OK(sys::make_read_only(root.ref(), sys::Below::left_out));
  return root;
}

}  // namespace

Result<sys::UniqueFd> open_container_root(const Context& context, const engine::Container& container) {
  if (container.live.alive()) return root_of_process(container.live.process);
  return mount_stopped(context, container.record);
}

}  // namespace berth::cli
