#include "runtime/empty_mounts.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "sys/file.h"
#include "sys/own_thread.h"

namespace berth::runtime {
namespace {

Result<sys::UniqueFd> make_empty_directory() {
  constexpr unsigned kSealed = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  sys::UniqueFd context(fsopen("tmpfs", FSOPEN_CLOEXEC));
  if (!context.valid() || fsconfig(context.get(), FSCONFIG_SET_STRING, "nr_blocks", "1", 0) != 0 ||
      fsconfig(context.get(), FSCONFIG_SET_STRING, "nr_inodes", "1", 0) != 0 ||
      fsconfig(context.get(), FSCONFIG_SET_FLAG, "ro", nullptr, 0) != 0 ||
      fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
    return sys_error("make an empty file system", errno);
  }
  sys::UniqueFd tree(fsmount(context.get(), FSMOUNT_CLOEXEC, kSealed));
  if (!tree.valid()) return sys_error("mount an empty file system", errno);
  return tree;
}

/// Runs on a thread of its own, which leaves the host's mounts for good.
Result<sys::UniqueFd> build() {
  BERTH_TRY(const sys::UniqueFd root, make_empty_directory());
  if (unshare(CLONE_NEWNS) != 0) return sys_error("unshare mount namespace", errno);
  BERTH_TRY(sys::UniqueFd mounts, sys::open_file("/proc/thread-self/ns/mnt", O_RDONLY));
  // Else unmounting below would unmount the host's.
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return sys_error("make mounts private", errno);
  if (move_mount(root.get(), "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) != 0) return sys_error("move_mount", errno);
  if (fchdir(root.get()) != 0 || syscall(SYS_pivot_root, ".", ".") != 0) return sys_error("pivot_root", errno);
  if (umount2(".", MNT_DETACH) != 0) return sys_error("unmount what is the host's", errno);
  return mounts;
}

}  // namespace

Result<sys::UniqueFd> make_empty_mounts() {
  return sys::on_own_thread(build);
}

}  // namespace berth::runtime
