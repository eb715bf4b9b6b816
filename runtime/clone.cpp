#include "runtime/clone.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <mutex>

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

/// Nobody without our capabilities may look into this process while one of these lives (CVE-2016-9962). It is a
/// property of the memory, so of all threads: the last one gives back what the first has found.
class Undumpable {
 public:
  Undumpable() {
    const std::lock_guard lock(mutex);
    if (count++ == 0) before = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
    BERTH_CHECK(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0);
  }
  Undumpable(const Undumpable&) = delete;
  Undumpable& operator=(const Undumpable&) = delete;
  ~Undumpable() {
    const std::lock_guard lock(mutex);
    if (--count == 0 && before == 1) (void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);  // stays off at worst
  }

 private:
  inline static std::mutex mutex;
  inline static int count = 0, before = 0;
};

/// This thread's children are born in another pid namespace while this lives. Requires: an Undumpable, which the
/// newborn copy of us inherits.
class ForeignPidNamespace {
 public:
  static Result<ForeignPidNamespace> enter(sys::FdRef target) {
    ForeignPidNamespace guard;
    BERTH_TRY(guard.own_, sys::open_file("/proc/thread-self/ns/pid", O_RDONLY));
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
    own_.reset();
  }

  sys::UniqueFd own_;
};

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
constexpr bool kCanShareMemory = true;

/// clone3(2) with CLONE_VM and CLONE_VFORK: the child goes on upon the stack of this thread, below this function, and
/// the thread after it. Not through syscall(3): the child would overwrite the address that returns to. Returns a
/// negative errno on failure.
[[gnu::noinline]] long clone_sharing(const clone_args& args, const ChildPlan& plan) {
  long pid;
  asm volatile("syscall" : "=a"(pid) : "0"(SYS_clone3), "D"(&args), "S"(sizeof args) : "rcx", "r11", "memory");
  if (pid == 0) child_main(plan);
  return pid;
}
#else
constexpr bool kCanShareMemory = false;

long clone_sharing(const clone_args&, const ChildPlan&) {
  return -ENOSYS;
}
#endif

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

  const bool sharing = kCanShareMemory && options.in_our_memory;
  if (sharing) args.flags |= CLONE_VM | CLONE_VFORK;
  const Undumpable guard;  // the child makes itself so, which is us where it shares our memory

  auto clone_now = [&]() -> Result<Child> {
    BlockedSignals blocked;
    long pid = sharing ? clone_sharing(args, plan) : syscall(SYS_clone3, &args, sizeof args);
    if (pid == 0) child_main(plan);
    const int code = sharing ? static_cast<int>(-pid) : errno;
    if (pid < 0 && code == E2BIG) return sys_error("clone3 with CLONE_INTO_CGROUP, which Linux has since 5.7", code);
    if (pid < 0) return sys_error("clone3", code);
    return Child{static_cast<pid_t>(pid), sys::Pidfd(sys::UniqueFd(pidfd))};
  };
  if (!options.pid_namespace.valid()) return clone_now();
  BERTH_TRY(ForeignPidNamespace inside, ForeignPidNamespace::enter(options.pid_namespace));
  return clone_now();
}

}  // namespace berth::runtime
