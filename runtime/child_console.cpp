// The child's terminal and stdio.

#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <termios.h>

#include <cstring>

#include "runtime/child_sys.h"

namespace berth::runtime::child {
namespace {

/// Ours came from the container's own /dev/pts, which exec cannot trust: a real multiplexer of a real devpts?
bool is_multiplexer(int fd) noexcept {
  struct stat info;
  struct statfs file_system;
  return fstat(fd, &info) == 0 && S_ISCHR(info.st_mode) && info.st_rdev == makedev(5, 2) &&
         fstatfs(fd, &file_system) == 0 && file_system.f_type == DEVPTS_SUPER_MAGIC;
}

}  // namespace

int send_fd(int socket, char byte, int fd) noexcept {
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  iovec part{&byte, 1};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  return sendmsg(socket, &message, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

void take_terminal(const ChildPlan& plan) noexcept {
  if (ioctl(0, TIOCSCTTY, 0) != 0) fail(plan, Stage::console, 0, errno);
}

int open_console(const ChildPlan& plan, int ptmx) noexcept {
  if (ptmx < 0) fail(plan, Stage::console, 0, errno);
  if (!is_multiplexer(ptmx)) fail(plan, Stage::console, 0, ENODEV);
  int locked = 0;
  if (ioctl(ptmx, TIOCSPTLCK, &locked) != 0) fail(plan, Stage::console, 0, errno);
  // By descriptor, never by /dev/pts/N, which could be anything (CVE-2025-52565).
  int slave = ioctl(ptmx, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (slave < 0) fail(plan, Stage::console, 0, errno);
  winsize size{};
  size.ws_row = plan.tty_rows;
  size.ws_col = plan.tty_columns;
  if (size.ws_row != 0 && ioctl(slave, TIOCSWINSZ, &size) != 0) fail(plan, Stage::console, 0, errno);
  if (plan.uid != 0 && fchown(slave, plan.uid, static_cast<gid_t>(-1)) != 0) fail(plan, Stage::console, 0, errno);
  if (send_fd(plan.console_fd, 'c', ptmx) != 0) fail(plan, Stage::console, 0, errno);
  close(ptmx);
  for (int fd = 0; fd < 3; ++fd) {
    if (dup2(slave, fd) < 0) fail(plan, Stage::stdio, 0, errno);
  }
  if (!plan.born_inside) take_terminal(plan);
  return slave;
}

void connect_stdio(const ChildPlan& plan, int null_fd) noexcept {
  int moved[3];
  // First away from 0..2, so that no move runs over a descriptor that is still to be moved.
  for (size_t i = 0; i < 3; ++i) {
    int source = plan.stdio[i];
    moved[i] = fcntl(source < 0 ? null_fd : source, F_DUPFD_CLOEXEC, 3);
    if (moved[i] < 0) fail(plan, Stage::stdio, i, errno);
  }
  for (int fd = 0; fd < 3; ++fd) {
    if (dup2(moved[fd], fd) < 0) fail(plan, Stage::stdio, static_cast<size_t>(fd), errno);
    // A program that has changed its user reopens /dev/stdout of its own: pipes and files are given to it. Errors do
    // not matter: it can use the descriptor all the same.
    struct stat info;
    if (plan.uid != 0 && fstat(fd, &info) == 0 && !S_ISCHR(info.st_mode))
      (void)!fchown(fd, plan.uid, static_cast<gid_t>(-1));
  }
}

}  // namespace berth::runtime::child
