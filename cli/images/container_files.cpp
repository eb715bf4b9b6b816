#include "cli/images/container_files.h"

#include <fcntl.h>
#include <fmt/core.h>

#include <algorithm>
#include <cerrno>

#include "images/layer_tree.h"
#include "sys/file.h"
#include "sys/mount_tree.h"
#include "volumes/store.h"

namespace berth::cli {
Result<sys::UniqueFd> ContainerFiles::root_of_process(const sys::ProcessIdentity& process) {
  BERTH_TRY(sys::Pidfd handle, sys::open_identified(process));
  BERTH_TRY(sys::UniqueFd root, sys::open_file(fmt::format("/proc/{}/root", process.pid), O_PATH | O_DIRECTORY));
  if (handle.exited()) return sys_error("open the container's root", ESRCH);  // the number may be another's by now
  return root;
}

Status ContainerFiles::mount_stopped(const Context& context, const engine::ContainerRecord& record) {
  BERTH_TRY_OK(sys::enter_own_mount_namespace());
  std::string directory = context.paths.container(record.id);
  std::string upper = directory + "/upper", work = directory + "/work";
  BERTH_TRY_OK(sys::make_dirs(upper, 0755));  // a container that never ran
  BERTH_TRY_OK(sys::make_dirs(work, 0755));
  for (const engine::MountConfig& mount : record.mounts) {
    std::string source = mount.source;
    if (mount.type == "volume") {
      BERTH_TRY(volumes::VolumeStore volumes, volumes::VolumeStore::open(context.paths));
      BERTH_TRY(volumes::Volume volume, volumes.inspect(mount.source));
      source = volume.data_dir;
    } else if (mount.type != "bind") {
      continue;  // a tmpfs is there only while the container runs
    }
    BERTH_TRY(std::string target, images::clean_entry_name(mount.target));
    Result<sys::UniqueFd> fd = sys::open_file(source, O_PATH | O_DIRECTORY);
    if (fd) roots_.push_back({std::move(target), std::move(*fd)});  // else a single file, or one that is away
  }
  BERTH_TRY_OK(sys::mount_overlay(record.layers, upper, work, work));
  BERTH_TRY(sys::UniqueFd root, sys::open_file(work, O_PATH | O_DIRECTORY));
  roots_.push_back({"", std::move(root)});
  std::sort(roots_.begin(), roots_.end(),
            [](const Root& a, const Root& b) { return a.target.size() > b.target.size(); });
  return {};
}

Result<ContainerFiles> ContainerFiles::open(const Context& context, const engine::Container& container) {
  ContainerFiles files;
  if (container.live.alive()) {
    BERTH_TRY(sys::UniqueFd root, root_of_process(container.live.process));
    files.roots_.push_back({"", std::move(root)});
  } else {
    BERTH_TRY_OK(files.mount_stopped(context, container.record));
  }
  return files;
}

ContainerFiles::Place ContainerFiles::locate(const std::string& path) const {
  std::string relative = path;
  relative.erase(0, relative.find_first_not_of('/'));
  for (const Root& root : roots_) {
    const std::string& target = root.target;
    if (target.empty()) break;
    if (relative == target) return {root.directory.ref(), "."};
    if (relative.starts_with(target + "/")) return {root.directory.ref(), "./" + relative.substr(target.size() + 1)};
  }
  return {roots_.back().directory.ref(), relative.empty() ? "." : "./" + relative};
}

}  // namespace berth::cli
