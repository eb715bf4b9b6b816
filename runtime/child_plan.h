#pragma once

#include <linux/filter.h>
#include <sys/resource.h>
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "runtime/caps.h"
#include "runtime/process.h"
#include "runtime/stage.h"

namespace berth::runtime {

struct PlannedMount {
  enum class Kind { bind, filesystem };
  Kind kind = Kind::filesystem;
  std::string source;   // bind: path on the host
  std::string subpath;  // bind: below source
  int tree = -1;        // bind: a detached mount instead of a source
  bool recursive = true;
  std::string type;                                          // filesystem: proc, tmpfs…
  std::vector<std::pair<std::string, std::string>> options;  // an empty value is a flag
  std::string target;
  uint64_t attributes = 0;           // MOUNT_ATTR_*
  bool attributes_recursive = true;  // bind: on everything below, too
  uint64_t propagation = 0;          // MS_PRIVATE…; 0 = leave
  bool propagation_recursive = true;
  bool sealed = false;     // made read-only once everything below is in place
  bool optional = false;   // a kernel without this file system is no error
  bool on_top = false;     // the target is ours: a symlink there (from the image) gives way to a directory
  bool plain = false;      // no symlink may lead to the target
  bool over_proc = false;  // one of the few files of /proc that may be covered
  // Of a RawMount, whose attributes are those of this mount alone.
  uint64_t clear = 0, set_below = 0, clear_below = 0;
  bool raw = false;
  bool copy_up = false;
  bool mode_of_target = false;  // the new directory has the mode of that which it covers
  int id_map = -1;              // user namespace that maps its ids
  bool id_map_recursive = false;
  enum class Role { ordinary, proc, dev, pts } role = Role::ordinary;
};

struct PlannedDevice {
  std::string path;  // in the container; below /dev it is made there without symlinks
  mode_t mode = 0;   // with S_IFCHR or S_IFBLK
  dev_t device = 0;
  uid_t uid = 0;
  gid_t gid = 0;
};

/// A hook that the child starts, ready for execve.
struct PlannedHook {
  std::string path;
  std::vector<std::string> arg_storage, env_storage;
  std::vector<char*> argv, envp;
  int timeout_s = 0;
};

/// Everything a child needs, computed before the clone: the child reads it and allocates nothing.
/// All descriptors are borrowed from the parent, who keeps them open over the clone.
struct ChildPlan {
  int error_fd = -1;  // the pipe's writing end
  // Shared with the parent; set to 1 just before exec, so that the pipe's end tells a start from a death on the way.
  volatile uint32_t* reached_exec = nullptr;
  int console_fd = -1;  // socket to send the terminal's master over, or -1
  int meet_fd = -1;     // socket to meet the parent on, or -1
  int parent_fd = -1;   // the parent's end of it: while we have a copy, we would not hear of the parent's death
  int gate_fd = -1;     // FIFO, open for both ways: the program is executed once a byte can be read; or -1
  int state_fd = -1;    // file that hooks have as their standard input
  int host_proc = -1;   // the host's /proc, for what has to be written before or without the container's own
  bool meet_before_pivot = false;
  bool meet_when_ready = false;

  std::vector<std::pair<int, int>> joins;  // nsfs descriptor, CLONE_NEW* flag
  int join_pidfd = -1;                     // exec: the container's first process
  int join_pidfd_flags = 0;
  std::vector<int> cgroup_tasks;
  int empty_mounts = -1;  // the mount namespace that ours is a copy of; -1 = the host's (bare)
  uint64_t unshare_flags = 0;
  bool loopback = false;  // of a new network namespace
  std::string keyring;    // name of a new session keyring
  // What has to be owned by the container's user namespace is made by a second child, which is born in it.
  bool second_clone = false;
  uint64_t second_clone_flags = 0;
  int user_namespace = -1;  // to join; -1 = a new one if new_user
  bool new_user = false;
  bool becomes_root = false;  // id 0 of the user namespace that was entered
  std::string time_offsets;
  bool new_time = false;

  // Root file system. Empty for exec, which enters one.
  bool make_root = true;
  std::vector<std::string> layers;
  std::string upper_dir, work_dir;
  std::string rootfs;
  int overlay_method = 0;  // OverlayMethod
  bool bare = false;       // of ContainerSpec::Bare: rootfs with all that is mounted below, in its own place
  bool pivot = true;
  uint64_t root_propagation = 0;
  bool fill_dev = true;  // devices and links in /dev
  bool read_only_root = false;

  std::vector<PlannedMount> mounts;
  std::vector<PlannedDevice> devices;
  std::vector<std::string> masked_paths;
  std::vector<std::string> read_only_paths;

  std::string hostname, domainname;
  bool set_hostname = false;
  bool set_domainname = false;
  std::vector<std::pair<std::string, std::string>> sysctls;  // path below /proc/sys, value
  std::string oom_score_adj;                                 // as text; "" = leave

  bool tty = false;
  uint16_t tty_rows = 0, tty_columns = 0;
  int stdio[3] = {-1, -1, -1};

  std::vector<PlannedHook> create_hooks, start_hooks;
  unsigned preserved = 0;  // descriptors from 3 on that stay open
  std::vector<std::pair<int, rlimit>> rlimits;
  bool born_inside = false;  // exec: becomes a process of the container's pid namespace when all else has been given up
  bool exact = false;        // of ProcessAttributes: descriptors are closed before a seccomp program can forbid it
  std::optional<Scheduling> scheduling;
  std::optional<int> io_priority;
  std::optional<unsigned long> personality;
  std::string label_file, label;  // below /proc, and what goes there; "" = none
  mode_t umask = 0022;
  bool no_new_privileges = false;
  bool die_with_parent = false;
  const sock_filter* seccomp = nullptr;
  unsigned short seccomp_length = 0;
  unsigned seccomp_flags = 0;
  CapMask caps = 0;  // of the bounding set
  CapSets cap_sets;
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;

  std::string cwd;
  bool create_cwd = true;
  std::vector<std::string> arg_storage, env_storage;
  std::vector<char*> argv, envp;             // NULL-terminated
  std::vector<std::string> exec_candidates;  // what to try in turn: PATH's directories, or argv[0] alone
  int init_fd = -1;                          // the image of berth-init, or -1
  std::vector<char*> init_argv;              // name of its role, place for the program's path, argv; NULL-terminated
};

/// Runs in the child. Never returns: executes the program, or reports through plan.error_fd and exits with 127.
[[noreturn]] void child_main(const ChildPlan& plan) noexcept;

}  // namespace berth::runtime
