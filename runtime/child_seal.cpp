// Last touches on the child's mounts: what may not be written, and what may not be seen.

#include "runtime/child_sys.h"

namespace berth::runtime::child {
namespace {

constexpr uint64_t kSealed = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

/// One empty read-only tmpfs that all masked directories share: a superblock for each would cost memory and time.
int empty_directory(const ChildPlan& plan) noexcept {
  int context = fsopen("tmpfs", FSOPEN_CLOEXEC);
  if (context < 0 || fsconfig(context, FSCONFIG_SET_STRING, "nr_blocks", "1", 0) != 0 ||
      fsconfig(context, FSCONFIG_SET_STRING, "nr_inodes", "1", 0) != 0 ||
      fsconfig(context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
    fail(plan, Stage::mask, 0, errno);
  }
  int tree = fsmount(context, FSMOUNT_CLOEXEC, static_cast<unsigned>(kSealed));
  if (tree < 0) fail(plan, Stage::mask, 0, errno);
  close(context);
  return tree;
}

/// Only a path that is not there may stay unmasked; any other failure would leave it open to view.
void mask(const ChildPlan& plan, int root, const Mounted& mounted) noexcept {
  int empty = -1;
  for (size_t i = 0; i < plan.masked_paths.size(); ++i) {
    int target = open_in_root(root, plan.masked_paths[i].c_str(), O_PATH);
    if (target < 0 && (errno == ENOENT || errno == ENOTDIR)) continue;
    struct stat info;
    if (target < 0 || fstat(target, &info) != 0) fail(plan, Stage::mask, i, errno);
    int cover;
    if (S_ISDIR(info.st_mode)) {
      // The first directory takes the mount itself, later ones clones of it.
      cover = empty < 0 ? (empty = empty_directory(plan)) : clone_tree(empty, false);
    } else {
      cover = clone_tree(mounted.null, false);
    }
    if (cover < 0 || attach(cover, target) != 0) fail(plan, Stage::mask, i, errno);
    if (cover != empty) close(cover);
    close(target);
  }
}

void make_read_only(const ChildPlan& plan, int root) noexcept {
  for (size_t i = 0; i < plan.read_only_paths.size(); ++i) {
    int target = open_in_root(root, plan.read_only_paths[i].c_str(), O_PATH);
    if (target < 0 && (errno == ENOENT || errno == ENOTDIR)) continue;
    if (target < 0) fail(plan, Stage::read_only, i, errno);
    int tree = clone_tree(target, true);
    if (tree < 0 || set_attributes(tree, MOUNT_ATTR_RDONLY, 0, true) != 0 || attach(tree, target) != 0) {
      fail(plan, Stage::read_only, i, errno);
    }
    close(tree);
    close(target);
  }
}

}  // namespace

void seal(const ChildPlan& plan, int root, const Mounted& mounted) noexcept {
  for (size_t i = 0; i < plan.mounts.size(); ++i) {
    if (!plan.mounts[i].sealed) continue;
    int target = open_in_root(root, plan.mounts[i].target.c_str(), O_PATH);
    if (target < 0 || set_attributes(target, MOUNT_ATTR_RDONLY, 0, false) != 0) fail(plan, Stage::mount, i, errno);
    close(target);
  }
  make_read_only(plan, root);
  mask(plan, root, mounted);
  if (plan.read_only_root && set_attributes(root, MOUNT_ATTR_RDONLY, 0, false) != 0) {
    fail(plan, Stage::root_read_only, 0, errno);
  }
  if (plan.bare && plan.root_propagation != 0 && set_attributes(root, 0, plan.root_propagation, true) != 0) {
    fail(plan, Stage::root_propagation, 0, errno);
  }
}

}  // namespace berth::runtime::child
