// What the child does between clone and exec, as a table of contents. See docs/decisions/0003-container-start.md.
//
// The child is a copy of a process that may have been anywhere: it allocates nothing, takes no lock, logs nothing. What
// it needs is in the plan. What fails is sent as {stage, index, errno}; nobody has to clean up after it, because all it
// made lives in its own namespaces.

#include <sched.h>
#include <sys/prctl.h>

#include <cstring>

#include "runtime/child_sys.h"

namespace berth::runtime {
namespace {

using namespace child;

/// From here on we are in the namespaces that the container shares with others, and in all its control groups.
void join(const ChildPlan& plan) noexcept {
  for (size_t i = 0; i < plan.cgroup_procs.size(); ++i) {
    if (write(plan.cgroup_procs[i], "0", 1) != 1) fail(plan, Stage::join_cgroup, i, errno);
  }
  for (size_t i = 0; i < plan.joins.size(); ++i) {
    if (setns(plan.joins[i].first, plan.joins[i].second) != 0) fail(plan, Stage::join_namespace, i, errno);
  }
  if (plan.join_pidfd >= 0 && setns(plan.join_pidfd, plan.join_pidfd_flags) != 0) {
    fail(plan, Stage::join_namespace, 0, errno);
  }
}

/// From here on the container's root is ours, and nothing of the host's file systems can be reached.
/// Returns a descriptor of the root.
int change_root(const ChildPlan& plan, int root) noexcept {
  // After the control groups are joined, or the cgroup namespace would be rooted at our parent's.
  if (unshare(static_cast<int>(plan.unshare_flags)) != 0) fail(plan, Stage::new_namespaces, 0, errno);
  int host_root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  // Else unmounting the old root below would unmount the host's.
  if (host_root < 0 || set_attributes(host_root, 0, MS_PRIVATE, true) != 0) fail(plan, Stage::private_root, 0, errno);
  if (root < 0) {
    root = make_root_classic(plan);
  } else {
    // pivot_root wants a mount point; on top of "/" it is in nobody's way.
    if (set_attributes(root, 0, MS_PRIVATE, false) != 0) fail(plan, Stage::overlay_attach, 0, errno);
    if (attach(root, host_root) != 0) fail(plan, Stage::overlay_attach, 0, errno);
  }
  close(host_root);
  // pivot_root(2), "pivot_root(".", ".")": old and new root are stacked on one place, so no directory for the old one
  // is needed.
  if (fchdir(root) != 0 || syscall(SYS_pivot_root, ".", ".") != 0) fail(plan, Stage::pivot, 0, errno);
  if (umount2(".", MNT_DETACH) != 0 || chdir("/") != 0) fail(plan, Stage::pivot, 0, errno);
  return root;
}

/// Writes through our own fresh mount of proc: nothing can lie on top of it (CVE-2025-52881).
void write_proc(const ChildPlan& plan, int proc, const char* name, const std::string& value, Stage stage,
                size_t index) noexcept {
  int fd = open_in_root(proc, name, O_WRONLY, RESOLVE_NO_XDEV);
  if (fd < 0) fail(plan, stage, index, errno);
  ssize_t written = write(fd, value.data(), value.size());
  if (written != static_cast<ssize_t>(value.size())) fail(plan, stage, index, written < 0 ? errno : EIO);
  close(fd);
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
  if (!plan.oom_score_adj.empty()) {
    write_proc(plan, proc, "self/oom_score_adj", plan.oom_score_adj, Stage::oom_score, 0);
  }
}

void show_console(const ChildPlan& plan, int dev, int slave) noexcept {
  int file = openat(dev, "console", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file < 0) fail(plan, Stage::console, 0, errno);
  int tree = clone_tree(slave, false);
  if (tree < 0 || attach(tree, file) != 0) fail(plan, Stage::console, 0, errno);
  close(file);
  close(tree);
}

/// The working directory inside; missing ones are made for a container and refused for exec.
/// Never through /proc/self/fd or another magic link (CVE-2024-21626).
int open_cwd(const ChildPlan& plan, int root) noexcept {
  int fd = plan.create_cwd ? make_directory(root, plan.cwd.c_str())
                           : open_in_root(root, plan.cwd.c_str(), O_PATH | O_DIRECTORY);
  if (fd < 0) fail(plan, Stage::cwd_create, 0, errno);
  return fd;
}

/// A container of its own: namespaces, root, mounts, stdio. Returns the working directory.
int build(const ChildPlan& plan) noexcept {
  int trees[kMaxMounts];
  int detached_root = make_root(plan);
  open_bind_sources(plan, trees);
  int root = change_root(plan, detached_root);
  Mounted mounted = mount_all(plan, root, trees);
  if (plan.tty) {
    int slave = open_console(plan, openat(mounted.pts, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC));
    show_console(plan, mounted.dev, slave);
    close(slave);
  } else {
    connect_stdio(plan, mounted.null);
  }
  configure(plan, mounted.proc);
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
  (void)setsid();  // fails only where we lead a session already
  join(plan);

  int cwd = plan.make_root ? build(plan) : enter(plan);
  // As root first, because capabilities open every directory; a file system that denies root may let the user in.
  bool there = fchdir(cwd) == 0;
  if (!there && errno != EACCES) fail(plan, Stage::cwd, 0, errno);
  drop_privileges(plan);
  if (!there && fchdir(cwd) != 0) fail(plan, Stage::cwd, 0, errno);
  check_cwd(plan);
  execute(plan);
}

}  // namespace berth::runtime
