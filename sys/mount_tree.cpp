#include "sys/mount_tree.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sched.h>
#include <sys/mount.h>

#include <cerrno>

#include "sys/file.h"
#include "sys/own_thread.h"

namespace berth::sys {
namespace {

unsigned flags_for(Below below) {
  return AT_EMPTY_PATH | (below == Below::included ? static_cast<unsigned>(AT_RECURSIVE) : 0U);
}

Status set_attributes(FdRef mount, Below below, uint64_t wanted) {
  mount_attr attributes{};
  attributes.attr_set = wanted;
  if (mount_setattr(mount.get(), "", flags_for(below), &attributes, sizeof attributes) != 0) {
    return sys_error("make a mount read-only", errno);
  }
  return {};
}

Result<UniqueFd> merge_here(const std::vector<std::string>& layers, const std::string& subpath) {
  BERTH_TRY_OK(enter_own_mount_namespace());
  const std::string& place = layers.front();
  if (layers.size() > 1) BERTH_TRY_OK(mount_overlay(layers, "", "", place));  // one alone is the tree already
  BERTH_TRY(UniqueFd root, open_file(place, O_PATH | O_DIRECTORY));
  BERTH_TRY(UniqueFd wanted, open_in_root(root.ref(), subpath.empty() ? "." : subpath, O_PATH));
  BERTH_TRY(UniqueFd tree, copy_mount(wanted.ref(), Below::left_out));
  BERTH_TRY_OK(set_attributes(tree.ref(), Below::left_out, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV));
  return tree;
}

Result<UniqueFd> copy_from(const Pidfd& process, const std::string& path) {
  // A thread may enter another mount namespace only once it shares its root and directory with no other thread.
  if (unshare(CLONE_FS) != 0) return sys_error("unshare the file system attributes", errno);
  if (setns(process.fd().get(), CLONE_NEWNS) != 0) return sys_error("enter a mount namespace", errno);
  BERTH_TRY(UniqueFd root, open_file("/", O_PATH | O_DIRECTORY));
  BERTH_TRY(UniqueFd place, open_in_root(root.ref(), path, O_PATH));
  return copy_mount(place.ref(), Below::left_out);
}

}  // namespace

Status enter_own_mount_namespace() {
  if (unshare(CLONE_NEWNS) != 0) return sys_error("unshare the mount namespace", errno);
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return sys_error("make mounts private", errno);
  return {};
}

Status mount_overlay(const std::vector<std::string>& layers, const std::string& upper, const std::string& work,
                     const std::string& target) {
  // Layers by descriptor: the options of mount(2) are a page at most, and paths would fill it.
  std::vector<UniqueFd> open;
  std::string options = "lowerdir=";
  for (const std::string& layer : layers) {
    BERTH_TRY(UniqueFd fd, open_file(layer, O_PATH | O_DIRECTORY));
    options += fmt::format("{}/proc/self/fd/{}", open.empty() ? "" : ":", fd.get());
    open.push_back(std::move(fd));
  }
  if (!upper.empty()) options += fmt::format(",upperdir={},workdir={}", upper, work);
  if (mount("overlay", target.c_str(), "overlay", upper.empty() ? MS_RDONLY : 0, options.c_str()) != 0)
    return sys_error("mount overlay", errno);
  return {};
}

Result<UniqueFd> copy_mount(FdRef place, Below below) {
  UniqueFd tree(open_tree(place.get(), "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | flags_for(below)));
  if (!tree.valid()) return sys_error("copy a mount", errno);
  return tree;
}

Status make_read_only(FdRef mount, Below below) {
  return set_attributes(mount, below, MOUNT_ATTR_RDONLY);
}

Status attach_mount(FdRef tree, FdRef target) {
  if (move_mount(tree.get(), "", target.get(), "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) != 0)
    return sys_error("attach a mount", errno);
  return {};
}

Result<UniqueFd> copy_mount_of(const Pidfd& process, const std::string& path) {
  return on_own_thread([&] { return copy_from(process, path); });
}

Result<UniqueFd> merge_layers(const std::vector<std::string>& layers, const std::string& subpath) {
  return on_own_thread([&] { return merge_here(layers, subpath); });
}

}  // namespace berth::sys
