#pragma once

// System calls for the child, which may be a copy of a process in any state: no allocation, no locks, no stdio.

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdint>

#include "runtime/child_plan.h"
#include "runtime/meeting.h"

namespace berth::runtime::child {

/// Reports and exits. `index` is the object's place in the plan's list, 0 where there is none.
[[noreturn]] inline void fail(int error_fd, Stage stage, size_t index, int code) noexcept {
  ChildError error{stage, static_cast<int>(index), code};
  (void)!write(error_fd, &error, sizeof error);  // nobody to tell if this fails; the parent sees EOF and no exec
  _exit(127);
}
[[noreturn]] inline void fail(const ChildPlan& plan, Stage stage, size_t index, int code) noexcept {
  fail(plan.error_fd, stage, index, code);
}

inline int open_in_root(int root, const char* path, uint64_t flags, uint64_t extra_resolve = 0) noexcept {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | extra_resolve;
  long fd;
  do {
    fd = syscall(SYS_openat2, root, path, &how, sizeof how);
  } while (fd < 0 && (errno == EAGAIN || errno == EINTR));
  return static_cast<int>(fd);
}

inline int set_attributes(int fd, uint64_t set, uint64_t propagation, bool recursive, uint64_t clear = 0) noexcept {
  mount_attr attributes{};
  attributes.attr_set = set;
  attributes.attr_clr = clear;
  attributes.propagation = propagation;
  unsigned flags = AT_EMPTY_PATH | (recursive ? static_cast<unsigned>(AT_RECURSIVE) : 0U);
  return mount_setattr(fd, "", flags, &attributes, sizeof attributes);
}

/// Attaches the detached mount `tree` on what `target` refers to.
inline int attach(int tree, int target) noexcept {
  return move_mount(tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

inline int clone_tree(int fd, bool recursive) noexcept {
  unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH;
  return open_tree(fd, "", flags | (recursive ? static_cast<unsigned>(AT_RECURSIVE) : 0U));
}

/// "/proc/self/fd/N" without stdio; returns its length.
inline size_t fd_path(char* out, int fd) noexcept {
  constexpr char kPrefix[] = "/proc/self/fd/";
  size_t length = sizeof kPrefix - 1;
  for (size_t i = 0; i < length; ++i) out[i] = kPrefix[i];
  char digits[12];
  size_t count = 0;
  do {
    digits[count++] = static_cast<char>('0' + fd % 10);
    fd /= 10;
  } while (fd != 0);
  while (count > 0) out[length++] = digits[--count];
  out[length] = '\0';
  return length;
}

/// One descriptor over a socket; 0, or -1 and errno.
int send_fd(int socket, char byte, int fd) noexcept;

/// Writes below a /proc that nothing of the container's can lie on top of (CVE-2025-52881).
void write_proc(const ChildPlan& plan, int proc, const char* name, const std::string& value, Stage stage,
                size_t index) noexcept;

// The child's parts, each in a file of its own, in the order in which child_main() calls them.

/// Makes the root (overlay or directory) while the host's mounts are still ours; returns the detached mount.
/// -1 where only the classic way is left, which needs the new mount namespace first.
[[nodiscard]] int make_root(const ChildPlan& plan) noexcept;
/// The classic way: mount(2) with options. Requires a copy of the host's mounts of our own. Returns the detached mount.
[[nodiscard]] int make_root_classic(const ChildPlan& plan) noexcept;

/// Detached copies of all bind sources, by index of plan.mounts; -1 for other mounts.
void open_bind_sources(const ChildPlan& plan, int* trees) noexcept;
/// New file systems, binds and devices, in order. `dev`, `proc` and `pts` are descriptors of the mounts of that role.
struct Mounted {
  int dev = -1;
  int proc = -1;
  int pts = -1;
  int null = -1;  // /dev/null, verified
};
[[nodiscard]] Mounted mount_all(const ChildPlan& plan, int root, const int* trees) noexcept;
/// /dev/null inside `root`, verified to be the real one; a masked file and unused stdio depend on it.
[[nodiscard]] int open_null(const ChildPlan& plan, int root) noexcept;

/// Makes read-only what was marked so, and masks.
void seal(const ChildPlan& plan, int root, const Mounted& mounted) noexcept;

/// A directory at `path` inside `root`, made with its parents if missing; an O_PATH descriptor or -1 and errno.
[[nodiscard]] int make_directory(int root, const char* path) noexcept;

/// The terminal that is standard input becomes ours. Requires: we lead a session.
void take_terminal(const ChildPlan& plan) noexcept;

/// A new terminal of the devpts at `ptmx`; sends the master away, makes the slave our stdio and controlling terminal.
/// Returns the slave.
[[nodiscard]] int open_console(const ChildPlan& plan, int ptmx) noexcept;
void connect_stdio(const ChildPlan& plan, int null_fd) noexcept;

/// Waits for the parent at this point; ends the child if there is none any more.
void meet(const ChildPlan& plan, Meeting point) noexcept;

/// Enters the container's user and time namespace and goes on as a second child, born in them, whose parent is ours.
/// Returns in that one only.
void clone_again(const ChildPlan& plan) noexcept;
/// In a second process, a child of our parent, which hears of it: born into the pid namespace that we have joined for
/// our children. Until then nobody in there could see us; now there is nothing left that would be worth it
/// (CVE-2016-9962).
void be_born_inside(const ChildPlan& plan) noexcept;
/// Id 0 of the user namespace that we have entered.
void become_root(const ChildPlan& plan) noexcept;

/// Runs hooks one after the other; `first` is the first one's index among all of the plan.
void run_hooks(const ChildPlan& plan, const std::vector<PlannedHook>& hooks, size_t first) noexcept;

/// Fills a new tmpfs, not attached yet, with what lies at its target. False and errno on failure.
[[nodiscard]] bool copy_tree(int from, int to) noexcept;

/// Lets go of everything but stdio, preserved descriptors, those of the plan that are still needed, and `keep` (-1 =
/// none).
void close_leftovers(const ChildPlan& plan, int keep) noexcept;
/// What needs the privileges of the host's user namespace: limits and scheduling.
void set_limits(const ChildPlan& plan) noexcept;

/// Limits, groups, ids, capabilities, seccomp. `proc` as for write_proc(); `keep` is a descriptor that stays open.
void drop_privileges(const ChildPlan& plan, int proc, int keep) noexcept;
/// Finds out whether there is something to execute, and waits at the gate.
void wait_for_start(const ChildPlan& plan) noexcept;
[[noreturn]] void execute(const ChildPlan& plan) noexcept;

/// Most mounts of one plan: the child's table of them is on its stack.
inline constexpr size_t kMaxMounts = 1024;

}  // namespace berth::runtime::child
