// Hooks that the child runs, and its wait for the start.

#include <linux/sched.h>
#include <poll.h>
#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <cstring>

#include "runtime/child_sys.h"

namespace berth::runtime::child {
namespace {

[[noreturn]] void execute_hook(const ChildPlan& plan, const PlannedHook& hook) noexcept {
  if (plan.state_fd >= 0 && (lseek(plan.state_fd, 0, SEEK_SET) != 0 || dup2(plan.state_fd, 0) < 0)) _exit(126);
  (void)syscall(SYS_close_range, 3U, ~0U, 0);
  (void)execve(hook.path.c_str(), hook.argv.data(), hook.envp.data());
  _exit(errno == ENOENT ? 127 : 126);
}

/// Its exit code, 128 and a signal, or -1 if its time is up.
int wait_hook(int pidfd, int timeout_s) noexcept {
  pollfd poller{pidfd, POLLIN, 0};
  int n;
  do {
    n = poll(&poller, 1, timeout_s > 0 ? timeout_s * 1000 : -1);
  } while (n < 0 && errno == EINTR);
  if (n == 0) (void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, nullptr, 0);
  siginfo_t info{};
  while (waitid(P_PIDFD, static_cast<id_t>(pidfd), &info, WEXITED) != 0 && errno == EINTR) {
  }
  if (n == 0) return -1;
  return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

/// Whether a candidate is there to be executed. As who we are by now.
bool executable(const char* path, int& refused) noexcept {
  struct stat info;
  if (stat(path, &info) != 0) {
    if (errno != ENOENT && errno != ENOTDIR) refused = errno;
    return false;
  }
  if (S_ISREG(info.st_mode) && syscall(SYS_faccessat2, AT_FDCWD, path, X_OK, AT_EACCESS) == 0) return true;
  // A seccomp program that is loaded by now may forbid the question; then execve will tell.
  if (S_ISREG(info.st_mode) && errno != EACCES) return true;
  refused = EACCES;
  return false;
}

void check_command(const ChildPlan& plan) noexcept {
  int refused = 0;
  for (const std::string& candidate : plan.exec_candidates) {
    if (executable(candidate.c_str(), refused)) return;
  }
  if (refused != 0) fail(plan, Stage::exec, 0, refused);
  fail(plan, Stage::exec_not_found, 0, ENOENT);
}

}  // namespace

void run_hooks(const ChildPlan& plan, const std::vector<PlannedHook>& hooks, size_t first) noexcept {
  for (size_t i = 0; i < hooks.size(); ++i) {
    int pidfd = -1;
    clone_args args{};
    args.flags = CLONE_PIDFD;
    args.pidfd = reinterpret_cast<uint64_t>(&pidfd);
    args.exit_signal = SIGCHLD;
    long pid = syscall(SYS_clone3, &args, sizeof args);
    if (pid == 0) execute_hook(plan, hooks[i]);
    if (pid < 0) fail(plan, Stage::hook, first + i, errno);
    int code = wait_hook(pidfd, hooks[i].timeout_s);
    close(pidfd);
    if (code < 0) fail(plan, Stage::hook, first + i, ETIMEDOUT);
    if (code != 0) fail(plan, Stage::hook_exit, first + i, code);
  }
}

void close_leftovers(const ChildPlan& plan, int keep) noexcept {
  unsigned needed[] = {static_cast<unsigned>(plan.error_fd), static_cast<unsigned>(plan.meet_fd),
                       static_cast<unsigned>(plan.gate_fd),  static_cast<unsigned>(plan.state_fd),
                       static_cast<unsigned>(plan.init_fd),  static_cast<unsigned>(keep)};
  std::sort(std::begin(needed), std::end(needed));  // one that is not there comes last, as the largest number
  unsigned from = 3 + plan.preserved;
  for (unsigned fd = 3; fd < from; ++fd) (void)fcntl(static_cast<int>(fd), F_SETFD, 0);
  for (unsigned fd : needed) {
    if (fd > from) (void)syscall(SYS_close_range, from, fd - 1, 0);
    if (fd == ~0U) return;
    from = fd + 1;
  }
  (void)syscall(SYS_close_range, from, ~0U, 0);
}

void wait_for_start(const ChildPlan& plan) noexcept {
  check_command(plan);
  if (plan.gate_fd >= 0) *plan.reached_exec = 1;  // as far as whoever made us will see
  meet(plan, Meeting::ready);
  close(plan.meet_fd);
  if (plan.gate_fd >= 0) {
    close(plan.error_fd);
    char letter;
    if (read(plan.gate_fd, &letter, 1) != 1) _exit(127);
  }
  run_hooks(plan, plan.start_hooks, plan.create_hooks.size());
}

}  // namespace berth::runtime::child
