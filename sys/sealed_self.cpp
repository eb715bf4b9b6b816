#include "sys/sealed_self.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "sys/fd.h"

namespace berth::sys {
namespace {

constexpr char kSelf[] = "/proc/self/exe";

}  // namespace

Status seal_self(char** argv) {
  struct statvfs info {};
  if (statvfs(kSelf, &info) != 0) return sys_error("look at our own program", errno);
  if ((info.f_flag & ST_RDONLY) != 0) {
    // Executed by descriptor, we would be called after its number.
    const char* slash = std::strrchr(argv[0], '/');
    prctl(PR_SET_NAME, slash == nullptr ? argv[0] : slash + 1);
    return {};
  }
  UniqueFd tree(open_tree(AT_FDCWD, kSelf, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_RDONLY;
  if (!tree.valid() || mount_setattr(tree.get(), "", AT_EMPTY_PATH, &attributes, sizeof attributes) != 0) {
    return sys_error("make our own program read-only", errno);
  }
  (void)syscall(SYS_execveat, tree.get(), "", argv, environ, AT_EMPTY_PATH);
  return sys_error("execute our own program again", errno);
}

}  // namespace berth::sys
