// The child gives up what its program shall not have, and becomes it.

#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

#include <csignal>
#include <cstring>

#include "runtime/child_sys.h"

namespace berth::runtime::child {
namespace {

void load_seccomp(const ChildPlan& plan) noexcept {
  if (plan.seccomp == nullptr) return;
  sock_fprog program{plan.seccomp_length, const_cast<sock_filter*>(plan.seccomp)};
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) fail(plan, Stage::seccomp, 0, errno);
}

void drop_bounding(const ChildPlan& plan) noexcept {
  for (unsigned cap = 0; cap < 64; ++cap) {
    if ((plan.caps >> cap & 1) != 0) continue;
    if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0) continue;
    if (errno == EINVAL) return;  // beyond the last that this kernel knows
    fail(plan, Stage::capabilities, cap, errno);
  }
}

void set_caps(const ChildPlan& plan) noexcept {
  // A user other than root gets none: as with Docker, capabilities of a plain user come from files only
  // (CVE-2016-8867).
  CapMask caps = plan.uid == 0 ? plan.caps : 0;
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  for (unsigned i = 0; i < 2; ++i) {
    data[i].permitted = data[i].effective = static_cast<uint32_t>(caps >> (32 * i));
    data[i].inheritable = 0;  // CVE-2022-24769: files' inheritable sets must find nothing here
  }
  if (syscall(SYS_capset, &header, data) != 0) fail(plan, Stage::capabilities, 0, errno);
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) fail(plan, Stage::capabilities, 0, errno);
}

void set_identity(const ChildPlan& plan) noexcept {
  // Raw calls: glibc's would look for other threads to change as well.
  if (syscall(SYS_setgroups, plan.groups.size(), plan.groups.data()) != 0) fail(plan, Stage::identity, 0, errno);
  if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) fail(plan, Stage::identity, 0, errno);
  if (syscall(SYS_setresgid, plan.gid, plan.gid, plan.gid) != 0) fail(plan, Stage::identity, 0, errno);
  if (syscall(SYS_setresuid, plan.uid, plan.uid, plan.uid) != 0) fail(plan, Stage::identity, 0, errno);
  if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) != 0) fail(plan, Stage::identity, 0, errno);
}

/// Handlers go with exec, but SIG_IGN would stay (SIGPIPE of a supervisor, SIGINT of a shell's background job).
void reset_signals() noexcept {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  for (int signal = 1; signal <= SIGRTMAX; ++signal) (void)sigaction(signal, &action, nullptr);  // KILL and STOP refuse
  sigset_t none;
  sigemptyset(&none);
  (void)sigprocmask(SIG_SETMASK, &none, nullptr);
}

bool is_regular(const char* path) noexcept {
  struct stat info;
  return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

/// berth-init becomes the first process; it executes the program and reports on descriptor 3 in our stead.
[[noreturn]] void execute_init(const ChildPlan& plan) noexcept {
  int refused = 0;
  for (const std::string& candidate : plan.exec_candidates) {
    if (syscall(SYS_faccessat2, AT_FDCWD, candidate.c_str(), X_OK, AT_EACCESS) != 0 || !is_regular(candidate.c_str())) {
      if (errno != ENOENT && errno != ENOTDIR) refused = EACCES;
      continue;
    }
    constexpr int kErrorFd = 3;
    int image = plan.init_fd == kErrorFd ? fcntl(plan.init_fd, F_DUPFD_CLOEXEC, kErrorFd + 1) : plan.init_fd;
    int moved = plan.error_fd == kErrorFd ? fcntl(kErrorFd, F_SETFD, 0) : dup2(plan.error_fd, kErrorFd);
    if (image < 0 || moved < 0) fail(plan, Stage::exec, 0, errno);
    char* const* argv = plan.init_argv.data();
    const_cast<char**>(argv)[1] = const_cast<char*>(candidate.c_str());  // our own copy of the parent's memory
    *plan.reached_exec = 1;
    (void)syscall(SYS_execveat, image, "", argv, plan.envp.data(), AT_EMPTY_PATH);
    fail(plan, Stage::exec, 0, errno);
  }
  if (refused != 0) fail(plan, Stage::exec, 0, refused);
  fail(plan, Stage::exec_not_found, 0, ENOENT);
}

}  // namespace

void drop_privileges(const ChildPlan& plan) noexcept {
  for (size_t i = 0; i < plan.rlimits.size(); ++i) {
    const auto& [resource, limit] = plan.rlimits[i];
    if (syscall(SYS_prlimit64, 0, resource, &limit, nullptr) != 0) fail(plan, Stage::rlimit, i, errno);
  }
  reset_signals();
  umask(0022);
  // Without no_new_privs only CAP_SYS_ADMIN may load a filter, so it comes before that goes; with it, last of all.
  if (!plan.no_new_privileges) load_seccomp(plan);
  drop_bounding(plan);
  set_identity(plan);
  set_caps(plan);
  if (plan.no_new_privileges) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail(plan, Stage::capabilities, 0, errno);
    load_seccomp(plan);
  }
  // Last, since a change of identity clears it.
  if (plan.die_with_parent && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) fail(plan, Stage::identity, 0, errno);
}

void execute(const ChildPlan& plan) noexcept {
  // Nothing but stdio crosses, whatever the caller had open without close-on-exec.
  if (syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) != 0) fail(plan, Stage::exec, 0, errno);
  if (plan.init_fd >= 0) execute_init(plan);
  *plan.reached_exec = 1;
  int refused = 0;
  for (const std::string& candidate : plan.exec_candidates) {
    (void)execve(candidate.c_str(), plan.argv.data(), plan.envp.data());
    int code = errno;
    if (code == ENOENT || code == ENOTDIR) {
      // The file is there, but the interpreter that its first line or ELF header names is not.
      if (code == ENOENT && is_regular(candidate.c_str())) fail(plan, Stage::exec_no_interpreter, 0, code);
      continue;
    }
    if (code != EACCES) fail(plan, Stage::exec, 0, code);
    refused = code;  // a directory of that name, or not executable: the search goes on, as in a shell
  }
  if (refused != 0) fail(plan, Stage::exec, 0, refused);
  fail(plan, Stage::exec_not_found, 0, ENOENT);
}

}  // namespace berth::runtime::child
