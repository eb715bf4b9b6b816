// The child gives up what its program shall not have, and becomes it.

#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

#include <algorithm>
#include <csignal>
#include <cstring>

#include "runtime/child_sys.h"

namespace berth::runtime::child {
namespace {

/// sched_setattr(2), struct sched_attr as of Linux 3.14: the C library has no name for it, and linux/sched/types.h does
/// not get along with <sched.h>.
struct SchedulingAttributes {
  uint32_t size, policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime, deadline, period;
};

void load_seccomp(const ChildPlan& plan) noexcept {
  if (plan.seccomp == nullptr) return;
  sock_fprog program{plan.seccomp_length, const_cast<sock_filter*>(plan.seccomp)};
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, plan.seccomp_flags, &program) != 0)
    fail(plan, Stage::seccomp, 0, errno);
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
  const CapSets& sets = plan.cap_sets;
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  for (unsigned i = 0; i < 2; ++i) {
    data[i].permitted = static_cast<uint32_t>(sets.permitted >> (32 * i));
    data[i].effective = static_cast<uint32_t>(sets.effective >> (32 * i));
    data[i].inheritable = static_cast<uint32_t>(sets.inheritable >> (32 * i));
  }
  if (syscall(SYS_capset, &header, data) != 0) fail(plan, Stage::capabilities, 0, errno);
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) fail(plan, Stage::capabilities, 0, errno);
  for (unsigned cap = 0; sets.ambient >> cap != 0; ++cap) {
    if ((sets.ambient >> cap & 1) != 0 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) != 0) {
      fail(plan, Stage::capabilities, cap, errno);
    }
  }
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

/// False and errno, which is of no meaning for what is not a file.
bool can_execute(const char* path) noexcept {
  return syscall(SYS_faccessat2, AT_FDCWD, path, X_OK, AT_EACCESS) == 0 && is_regular(path);
}

/// berth-init becomes the first process, or berth-exec brings another one in; it executes the program and reports on
/// descriptor 3 in our stead.
[[noreturn]] void execute_init(const ChildPlan& plan) noexcept {
  int refused = 0;
  const bool alone =
      plan.exec_candidates.size() == 1;  // nothing to choose, and it may be in sight only of a child of ours
  for (const std::string& candidate : plan.exec_candidates) {
    if (!alone && !can_execute(candidate.c_str())) {
      if (errno != ENOENT && errno != ENOTDIR) refused = EACCES;
      continue;
    }
    constexpr int kAbove = std::max(kErrorFd, kMeetFd) + 1;
    int image = fcntl(plan.init_fd, F_DUPFD_CLOEXEC, kAbove);
    int error = fcntl(plan.error_fd, F_DUPFD_CLOEXEC, kAbove);
    int meet = plan.born_inside ? fcntl(plan.meet_fd, F_DUPFD_CLOEXEC, kAbove) : 0;
    if (image < 0 || error < 0 || meet < 0 || dup2(error, kErrorFd) < 0) fail(plan, Stage::exec, 0, errno);
    if (plan.born_inside && dup2(meet, kMeetFd) < 0) fail(kErrorFd, Stage::exec, 0, errno);
    char* const* argv = plan.init_argv.data();
    const_cast<char**>(argv)[1] = const_cast<char*>(candidate.c_str());  // the plan is ours alone
    *plan.reached_exec = 1;
    (void)syscall(SYS_execveat, image, "", argv, plan.envp.data(), AT_EMPTY_PATH);
    fail(kErrorFd, Stage::exec, 0, errno);
  }
  if (refused != 0) fail(plan, Stage::exec, 0, refused);
  fail(plan, Stage::exec_not_found, 0, ENOENT);
}

void say(const char* text) noexcept {
  (void)!write(STDERR_FILENO, text, std::strlen(text));  // nobody else to tell
}

/// Nothing can be executed. Who waited at the gate has no parent left to tell, but whoever reads its output.
[[noreturn]] void give_up(const ChildPlan& plan, Stage stage, int code) noexcept {
  if (plan.gate_fd < 0) fail(plan, stage, 0, code);
  say("cannot execute ");
  say(plan.argv[0]);
  say(": ");
  say(strerrordesc_np(code));
  say("\n");
  _exit(code == ENOENT ? 127 : 126);
}

}  // namespace

void set_limits(const ChildPlan& plan) noexcept {
  if (plan.scheduling) {
    const Scheduling& wanted = *plan.scheduling;
    SchedulingAttributes attributes{sizeof attributes, wanted.policy,  wanted.flags,    wanted.nice,
                                    wanted.priority,   wanted.runtime, wanted.deadline, wanted.period};
    if (syscall(SYS_sched_setattr, 0, &attributes, 0) != 0) fail(plan, Stage::scheduling, 0, errno);
  }
  constexpr int kProcess = 1;  // IOPRIO_WHO_PROCESS
  if (plan.io_priority && syscall(SYS_ioprio_set, kProcess, 0, *plan.io_priority) != 0) {
    fail(plan, Stage::scheduling, 1, errno);
  }
  for (size_t i = 0; i < plan.rlimits.size(); ++i) {
    const auto& [resource, limit] = plan.rlimits[i];
    if (syscall(SYS_prlimit64, 0, resource, &limit, nullptr) != 0) fail(plan, Stage::rlimit, i, errno);
  }
}

void drop_privileges(const ChildPlan& plan, int proc, int keep) noexcept {
  if (!plan.becomes_root) set_limits(plan);
  if (!plan.label.empty()) write_proc(plan, proc, plan.label_file.c_str(), plan.label, Stage::security_label, 0);
  if (plan.personality && syscall(SYS_personality, *plan.personality) < 0) fail(plan, Stage::personality, 0, errno);
  if (plan.exact || plan.born_inside) close_leftovers(plan, keep);
  reset_signals();
  umask(plan.umask);
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
  if (!plan.exact && syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) != 0) fail(plan, Stage::exec, 0, errno);
  if (plan.init_fd >= 0) execute_init(plan);
  *plan.reached_exec = 1;
  int refused = 0;
  for (const std::string& candidate : plan.exec_candidates) {
    (void)execve(candidate.c_str(), plan.argv.data(), plan.envp.data());
    int code = errno;
    if (code == ENOENT || code == ENOTDIR) {
      // The file is there, but the interpreter that its first line or ELF header names is not.
      if (code == ENOENT && is_regular(candidate.c_str())) give_up(plan, Stage::exec_no_interpreter, code);
      continue;
    }
    if (code != EACCES) give_up(plan, Stage::exec, code);
    refused = code;  // a directory of that name, or not executable: the search goes on, as in a shell
  }
  if (refused != 0) give_up(plan, Stage::exec, refused);
  give_up(plan, Stage::exec_not_found, ENOENT);
}

}  // namespace berth::runtime::child
