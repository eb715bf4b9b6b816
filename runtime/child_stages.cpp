// Where the child waits for its parent, and how it goes on in a user namespace.
//
// A pid namespace belongs to the user namespace in which it was made, and so do the mounts of its /proc. What the host
// alone may do (open layers and sources, join control groups and namespaces of others) is done before; then a second
// child is born in the user namespace, as a child of our parent, and the first one ends.

#include <grp.h>
#include <linux/sched.h>
#include <sched.h>

#include <csignal>

#include "runtime/child_sys.h"

namespace berth::runtime::child {
namespace {

void enter_time_namespace(const ChildPlan& plan) noexcept {
  if (unshare(CLONE_NEWTIME) != 0) fail(plan, Stage::time_namespace, 0, errno);
  if (plan.time_offsets.empty()) return;
  write_proc(plan, plan.host_proc, "self/timens_offsets", plan.time_offsets, Stage::time_namespace, 1);
}

/// Tells our parent that the container is another process from here on, and ends.
[[noreturn]] void hand_over(const ChildPlan& plan, int pidfd) noexcept {
  if (send_fd(plan.meet_fd, static_cast<char>(Meeting::moved), pidfd) == 0) _exit(0);
  (void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, nullptr, 0);
  _exit(127);
}

}  // namespace

void write_proc(const ChildPlan& plan, int proc, const char* name, const std::string& value, Stage stage,
                size_t index) noexcept {
  int fd = open_in_root(proc, name, O_WRONLY, RESOLVE_NO_XDEV);
  if (fd < 0) fail(plan, stage, index, errno);
  ssize_t written = write(fd, value.data(), value.size());
  if (written != static_cast<ssize_t>(value.size())) fail(plan, stage, index, written < 0 ? errno : EIO);
  close(fd);
}

void meet(const ChildPlan& plan, Meeting point) noexcept {
  // read and write: a seccomp program that is loaded already allows them, if any calls at all.
  char letter = static_cast<char>(point);
  if (write(plan.meet_fd, &letter, 1) != 1 || read(plan.meet_fd, &letter, 1) != 1) _exit(127);
}

void become_root(const ChildPlan& plan) noexcept {
  // Raw calls: glibc's would look for other threads to change as well.
  if (syscall(SYS_setresgid, 0, 0, 0) != 0 || syscall(SYS_setgroups, 0, nullptr) != 0 ||
      syscall(SYS_setresuid, 0, 0, 0) != 0) {
    fail(plan, Stage::user_namespace, 2, errno);
  }
}

void clone_again(const ChildPlan& plan) noexcept {
  if (plan.user_namespace >= 0 && setns(plan.user_namespace, CLONE_NEWUSER) != 0) {
    fail(plan, Stage::user_namespace, 0, errno);
  }
  if (plan.new_user) {
    if (unshare(CLONE_NEWUSER) != 0) fail(plan, Stage::user_namespace, 0, errno);
    meet(plan, Meeting::maps);
  }
  if (plan.new_time) enter_time_namespace(plan);
  int pidfd = -1;
  clone_args args{};
  args.flags = plan.second_clone_flags | CLONE_PARENT | CLONE_PIDFD;
  args.pidfd = reinterpret_cast<uint64_t>(&pidfd);
  long pid = syscall(SYS_clone3, &args, sizeof args);
  if (pid < 0) fail(plan, Stage::user_namespace, 1, errno);
  if (pid > 0) hand_over(plan, pidfd);
  // What we say is understood only after our parent knows that it is us.
  char letter;
  if (read(plan.meet_fd, &letter, 1) != 1) _exit(127);
  if (plan.becomes_root) become_root(plan);
  (void)setsid();  // fails never: a newborn leads no group
}

void be_born_inside(const ChildPlan& plan) noexcept {
  int pidfd = -1;
  // Not clone3: a seccomp program, which is loaded by now, cannot look into its arguments and so mostly denies it.
  long pid = syscall(SYS_clone, CLONE_PARENT | CLONE_PIDFD, nullptr, &pidfd, nullptr, nullptr);
  if (pid < 0) fail(plan, Stage::join_namespace, 0, errno);
  if (pid > 0) hand_over(plan, pidfd);
  (void)setsid();  // fails never: a newborn leads no group
  if (plan.tty) take_terminal(plan);
}

}  // namespace berth::runtime::child
