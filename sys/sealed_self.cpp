#include "sys/sealed_self.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <string_view>

#include "sys/fd.h"

namespace berth::sys {
namespace {

constexpr char kSelf[] = "/proc/self/exe";

std::string read_self() {
  char path[PATH_MAX];
  ssize_t size = readlink(kSelf, path, sizeof path);
  return std::string(path, size > 0 ? static_cast<size_t>(size) : 0);
}

/// A mount that is attached nowhere has no path but its own root.
constexpr std::string_view kSealed = "/";

}  // namespace

std::string own_program() {
  constexpr std::string_view kReplaced = " (deleted)";  // by an upgrade, meanwhile
  std::string path = read_self();
  if (path == kSealed) return program_invocation_name;  // as seal_self() has given it
  if (path.ends_with(kReplaced)) path.resize(path.size() - kReplaced.size());
  return path;
}

Status seal_self(char** argv) {
  if (read_self() == kSealed) {
    prctl(PR_SET_NAME, program_invocation_short_name);  // executed by descriptor, we are called after its number
    return {};
  }
  UniqueFd tree(open_tree(AT_FDCWD, kSelf, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_RDONLY;
  if (!tree.valid() || mount_setattr(tree.get(), "", AT_EMPTY_PATH, &attributes, sizeof attributes) != 0) {
    if (errno == ENOSYS) return {};  // then no container starts either, and says what is missing
    return sys_error("make our own program read-only", errno);
  }
  std::string path = own_program();
  argv[0] = path.data();
  (void)syscall(SYS_execveat, tree.get(), "", argv, environ, AT_EMPTY_PATH);
  return sys_error("execute our own program again", errno);
}

}  // namespace berth::sys
