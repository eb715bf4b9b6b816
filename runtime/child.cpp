// What the child does between clone and exec, as a table of contents. See docs/decisions/0003-container-start.md.
//
// The child is a copy of a process that may have been anywhere: it allocates nothing, takes no lock, logs nothing. What
// it needs is in the plan. What fails is sent as {stage, index, errno}; nobody has to clean up after it, because all it
// made lives in its own namespaces.

#include <linux/keyctl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <cstring>

#include "runtime/child_sys.h"

namespace berth::runtime {
namespace {

using namespace child;

/// From here on we are in all control groups of the container.
void join_cgroups(const ChildPlan& plan) noexcept {
  for (size_t i = 0; i < plan.cgroup_tasks.size(); ++i) {
    if (write(plan.cgroup_tasks[i], "0", 1) != 1) fail(plan, Stage::join_cgroup, i, errno);
  }
}

/// From here on we are in the namespaces that the container shares with others.
void join_namespaces(const ChildPlan& plan) noexcept {
  for (size_t i = 0; i < plan.joins.size(); ++i) {
    if (setns(plan.joins[i].first, plan.joins[i].second) != 0) fail(plan, Stage::join_namespace, i, errno);
  }
  if (plan.join_pidfd >= 0 && setns(plan.join_pidfd, plan.join_pidfd_flags) != 0) {
    fail(plan, Stage::join_namespace, 0, errno);
  }
}

/// A new network namespace has a loopback, but it is down.
void raise_loopback(const ChildPlan& plan) noexcept {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  std::memcpy(request.ifr_name, "lo", 3);
  if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request) != 0) fail(plan, Stage::loopback, 0, errno);
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  if (ioctl(fd, SIOCSIFFLAGS, &request) != 0) fail(plan, Stage::loopback, 0, errno);
  close(fd);
}

/// Where a bundle's root goes: its own place, where hooks look for it; else on top of "/", which is in nobody's way.
int place_of_root(const ChildPlan& plan, int host_root) noexcept {
  int place = plan.bare ? open(plan.rootfs.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
  return place < 0 ? host_root : place;
}

/// How the root hangs together with the mounts it is a copy of; 0 = as they do.
uint64_t first_propagation(const ChildPlan& plan) noexcept {
  if (!plan.bare) return MS_PRIVATE;
  if (plan.root_propagation == MS_SHARED) return 0;
  return plan.root_propagation == 0 || plan.root_propagation == MS_SLAVE ? MS_SLAVE : MS_PRIVATE;
}

/// A copy of the host's mounts of our own: nothing that happens to it is seen outside. Returns a descriptor of its "/".
int leave_mounts_of_host(const ChildPlan& plan) noexcept {
  int host_root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (host_root < 0 || set_attributes(host_root, 0, MS_PRIVATE, true) != 0) fail(plan, Stage::private_root, 0, errno);
  return host_root;
}

/// From here on namespaces and root are ours, and what is the host's is in sight only of those that are bare. Returns a
/// descriptor of the root, which is mounted.
int make_namespaces(const ChildPlan& plan, int root) noexcept {
  if (root < 0) {
    if (unshare(CLONE_NEWNS) != 0) fail(plan, Stage::new_namespaces, 0, errno);
    close(leave_mounts_of_host(plan));
    root = make_root_classic(plan);
  }
  if (plan.empty_mounts >= 0 && setns(plan.empty_mounts, CLONE_NEWNS) != 0) {
    fail(plan, Stage::new_namespaces, 0, errno);
  }
  // After the control groups are joined, or the cgroup namespace would be rooted at our parent's.
  if (unshare(static_cast<int>(plan.unshare_flags)) != 0) fail(plan, Stage::new_namespaces, 0, errno);
  if (plan.loopback) raise_loopback(plan);
  int slash = leave_mounts_of_host(plan);
  // pivot_root wants a mount point.
  if (set_attributes(root, 0, first_propagation(plan), plan.bare) != 0) fail(plan, Stage::overlay_attach, 0, errno);
  if (attach(root, place_of_root(plan, slash)) != 0) fail(plan, Stage::overlay_attach, 0, errno);
  close(slash);
  return root;
}

/// From here on nothing of the host's file systems can be reached.
void change_root(const ChildPlan& plan, int root) noexcept {
  if (fchdir(root) != 0) fail(plan, Stage::pivot, 0, errno);
  if (plan.empty_mounts >= 0) {
    // Below the root there is nothing but the empty directory.
    if (chroot(".") != 0) fail(plan, Stage::pivot, 0, errno);
    return;
  }
  if (!plan.pivot) {
    if (mount(".", "/", nullptr, MS_MOVE, nullptr) != 0 || chroot(".") != 0 || chdir("/") != 0) {
      fail(plan, Stage::pivot, 0, errno);
    }
    return;
  }
  // pivot_root(2), "pivot_root(".", ".")": old and new root are stacked on one place, so no directory for the old one
  // is needed.
  if (syscall(SYS_pivot_root, ".", ".") != 0) fail(plan, Stage::pivot, 0, errno);
  if (umount2(".", MNT_DETACH) != 0 || chdir("/") != 0) fail(plan, Stage::pivot, 0, errno);
}

void configure(const ChildPlan& plan, int proc) noexcept {
  if (plan.set_hostname && sethostname(plan.hostname.data(), plan.hostname.size()) != 0) {
    fail(plan, Stage::hostname, 0, errno);
  }
  if (plan.set_domainname && setdomainname(plan.domainname.data(), plan.domainname.size()) != 0) {
    fail(plan, Stage::hostname, 1, errno);
  }
  for (size_t i = 0; i < plan.sysctls.size(); ++i) {
    write_proc(plan, proc, plan.sysctls[i].first.c_str(), plan.sysctls[i].second, Stage::sysctl, i);
  }
  if (!plan.oom_score_adj.empty() && plan.host_proc < 0) {
    write_proc(plan, proc, "self/oom_score_adj", plan.oom_score_adj, Stage::oom_score, 0);
  }
}

void show_console(const ChildPlan& plan, int dev, int slave) noexcept {
  int file = openat(dev, "console", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  // Only where /dev is not a new file system of ours.
  if (file < 0 && errno == EEXIST && plan.bare) file = openat(dev, "console", O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (file < 0) fail(plan, Stage::console, 0, errno);
  int tree = clone_tree(slave, false);
  if (tree < 0 || attach(tree, file) != 0) fail(plan, Stage::console, 0, errno);
  close(file);
  close(tree);
}

int open_multiplexer(int root, const Mounted& mounted) noexcept {
  if (mounted.pts >= 0) return openat(mounted.pts, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
  return open_in_root(root, "/dev/pts/ptmx", O_RDWR | O_NOCTTY);
}

/// The working directory inside; missing ones are made for a container and refused for exec.
/// Never through /proc/self/fd or another magic link (CVE-2024-21626).
int open_cwd(const ChildPlan& plan, int root) noexcept {
  int fd = plan.create_cwd ? make_directory(root, plan.cwd.c_str())
                           : open_in_root(root, plan.cwd.c_str(), O_PATH | O_DIRECTORY);
  if (fd < 0) fail(plan, Stage::cwd_create, 0, errno);
  return fd;
}

/// A container of its own: namespaces, root, mounts, stdio. Returns the working directory; `proc` becomes a /proc to
/// trust.
int build(const ChildPlan& plan, int& proc) noexcept {
  int trees[kMaxMounts];
  int detached_root = make_root(plan);
  open_bind_sources(plan, trees);
  if (plan.second_clone) clone_again(plan);
  int root = make_namespaces(plan, detached_root);
  Mounted mounted = mount_all(plan, root, trees);
  if (plan.meet_before_pivot) meet(plan, Meeting::before_pivot);
  run_hooks(plan, plan.create_hooks, 0);
  change_root(plan, root);
  if (plan.tty) {
    int slave = open_console(plan, open_multiplexer(root, mounted));
    show_console(plan, mounted.dev, slave);
    close(slave);
  } else {
    connect_stdio(plan, mounted.null);
  }
  proc = mounted.proc >= 0 ? mounted.proc : plan.host_proc;
  configure(plan, proc);
  int cwd = open_cwd(plan, root);
  seal(plan, root, mounted);
  return cwd;
}

/// The other way: a process that has entered a container as it is. Returns the working directory.
int enter(const ChildPlan& plan) noexcept {
  int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (root < 0) fail(plan, Stage::cwd, 0, errno);
  if (plan.tty) {
    close(open_console(plan, open_in_root(root, "/dev/pts/ptmx", O_RDWR | O_NOCTTY)));
  } else {
    connect_stdio(plan, open_null(plan, root));
  }
  return open_cwd(plan, root);
}

void check_cwd(const ChildPlan& plan) noexcept {
  char path[PATH_MAX];
  // The raw call: the kernel says "(unreachable)/…" where the directory lies outside of our root.
  if (syscall(SYS_getcwd, path, sizeof path) < 0) fail(plan, Stage::cwd_outside, 0, errno);
  if (path[0] != '/') fail(plan, Stage::cwd_outside, 0, EXDEV);
}

}  // namespace

void child_main(const ChildPlan& plan) noexcept {
  // Nobody in a namespace that we enter may look into a copy of the caller's memory (CVE-2016-9962).
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) fail(plan, Stage::join_namespace, 0, errno);
  if (plan.parent_fd >= 0) close(plan.parent_fd);
  (void)setsid();  // fails only where we lead a session already
  if (!plan.keyring.empty()) {
    // A quota that is used up, or a kernel without keys, leaves us with the caller's.
    (void)syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, plan.keyring.c_str());
  }
  join_cgroups(plan);
  if (plan.host_proc >= 0 && !plan.oom_score_adj.empty()) {
    write_proc(plan, plan.host_proc, "self/oom_score_adj", plan.oom_score_adj, Stage::oom_score, 0);
  }
  if (plan.becomes_root) set_limits(plan);  // in a user namespace none can be raised
  join_namespaces(plan);
  if (plan.becomes_root && !plan.second_clone) become_root(plan);

  int proc = plan.host_proc;
  int cwd = plan.make_root ? build(plan, proc) : enter(plan);
  // As root first, because capabilities open every directory; a file system that denies root may let the user in.
  bool there = fchdir(cwd) == 0;
  if (!there && errno != EACCES) fail(plan, Stage::cwd, 0, errno);
  drop_privileges(plan, proc, there ? -1 : cwd);
  if (!there && fchdir(cwd) != 0) fail(plan, Stage::cwd, 0, errno);
  check_cwd(plan);
  if (plan.born_inside && plan.init_fd < 0) be_born_inside(plan);  // else that program is
  if (plan.meet_when_ready) wait_for_start(plan);
  execute(plan);
}

}  // namespace berth::runtime
