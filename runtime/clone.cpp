#include "runtime/clone.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "base/check.h"
#include "sys/file.h"

namespace berth::runtime {
namespace {

class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t all;
    sigfillset(&all);
    BERTH_CHECK(pthread_sigmask(SIG_BLOCK, &all, &old_) == 0);
  }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;
  ~BlockedSignals() { BERTH_CHECK(pthread_sigmask(SIG_SETMASK, &old_, nullptr) == 0); }

 private:
  sigset_t old_;
};

/// This thread's children are born in another pid namespace while this lives. Nobody in there may look at the newborn
/// copy of us: it inherits that we are not dumpable (CVE-2016-9962).
class ForeignPidNamespace {
 public:
  static Result<ForeignPidNamespace> enter(sys::FdRef target) {
    ForeignPidNamespace guard;
    BERTH_TRY(guard.own_, sys::open_file("/proc/thread-self/ns/pid", O_RDONLY));
    guard.dumpable_ = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return sys_error("PR_SET_DUMPABLE", errno);
    if (setns(target.get(), CLONE_NEWPID) != 0) {
      int code = errno;
      guard.leave();
      return sys_error("enter the container's pid namespace", code);
    }
    return guard;
  }
  ForeignPidNamespace(ForeignPidNamespace&&) noexcept = default;
  ForeignPidNamespace& operator=(ForeignPidNamespace&&) noexcept = delete;
  ~ForeignPidNamespace() {
    if (own_.valid()) leave();
  }

 private:
  ForeignPidNamespace() = default;

  void leave() {
    // The way back into one's own namespace is always open; if it were not, later containers would land in this one.
    BERTH_CHECK(setns(own_.get(), CLONE_NEWPID) == 0);
    if (dumpable_ == 1) (void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);  // stays off at worst
    own_.reset();
  }

  sys::UniqueFd own_;
  int dumpable_ = 0;
};

}  // namespace

Result<Child> clone_child(const ChildPlan& plan, const CloneOptions& options) {
  // Where these are missing, whoever comes later would take what we start for gone.
  BERTH_TRY(sys::Pidfd ourselves, sys::Pidfd::open(getpid()));
  BERTH_TRY_OK(ourselves.signal(0));
  int pidfd = -1;
  clone_args args{};
  args.flags = options.flags | CLONE_PIDFD | CLONE_CLEAR_SIGHAND;
  args.pidfd = reinterpret_cast<uint64_t>(&pidfd);
  if (options.parent) {
    args.flags |= CLONE_PARENT;  // takes over our own exit signal
  } else {
    args.exit_signal = SIGCHLD;
  }
  if (options.cgroup.valid()) {
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = static_cast<uint64_t>(options.cgroup.get());
  }

  auto clone_now = [&]() -> Result<Child> {
    BlockedSignals blocked;
    long pid = syscall(SYS_clone3, &args, sizeof args);
    if (pid == 0) child_main(plan);
    if (pid < 0) return sys_error("clone3", errno);
    return Child{static_cast<pid_t>(pid), sys::Pidfd(sys::UniqueFd(pidfd))};
  };
  if (!options.pid_namespace.valid()) return clone_now();
  BERTH_TRY(ForeignPidNamespace guard, ForeignPidNamespace::enter(options.pid_namespace));
  return clone_now();
}

}  // namespace berth::runtime
