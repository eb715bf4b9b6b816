#include "sys/execute_sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace berth::sys {

int execute_sealed(const char* program, char** argv, bool& mounted) {
  int tree = open_tree(AT_FDCWD, program, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_RDONLY;
  mounted = tree >= 0 && mount_setattr(tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes) == 0;
  if (mounted) syscall(SYS_execveat, tree, "", argv, environ, AT_EMPTY_PATH);
  int code = errno;
  if (tree >= 0) close(tree);
  return code;
}

}  // namespace berth::sys
