#pragma once

#include <linux/filter.h>
#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "runtime/process.h"
#include "runtime/resources.h"
#include "sys/fd.h"

namespace berth::runtime {

enum class Propagation { rprivate, private_, rslave, slave, rshared, shared };

/// A file or directory of the host shown inside. The target is created (as what the source is) if it is missing; a
/// missing source is an error of the start, because whether to create it is the caller's policy.
struct BindMount {
  std::string source;      // absolute path on the host
  sys::FdRef tree{-1};     // instead of `source`: a detached mount, borrowed during the start
  std::string subpath;     // below `source`; cannot leave it, whatever symlinks lie there
  std::string target;      // absolute path in the container
  bool read_only = false;  // with everything mounted below the source, unless `read_only_recursive` is false
  bool read_only_recursive = true;
  bool recursive = true;  // take along what is mounted below the source
  bool nosuid = false;
  bool nodev = false;
  bool noexec = false;
  Propagation propagation = Propagation::rprivate;
};

/// Memory. Always nosuid and nodev; noexec too unless `options` has "exec" (Docker's defaults).
struct TmpfsMount {
  std::string target;
  std::optional<uint64_t> size;  // bytes; unset = the kernel's half of the memory
  mode_t mode = 01777;
  uid_t uid = 0;
  gid_t gid = 0;
  /// mount(8) words: ro rw exec noexec suid nosuid dev nodev noatime relatime strictatime size= mode= uid= gid=
  /// nr_inodes= nr_blocks= huge= mpol=. Anything else is an error.
  std::vector<std::string> options;
};

struct IdMap {
  uint32_t inside = 0, outside = 0, count = 0;
};

/// A mount in the kernel's own words; nothing is added to what it says.
struct RawMount {
  std::string type;                         // a file system, "bind", or "cgroup": the container's own control groups
  std::string source;                       // bind: absolute path on the host
  std::string target;                       // absolute path in the container
  bool recursive = false;                   // bind: take along what is mounted below the source
  uint64_t set = 0, clear = 0;              // MOUNT_ATTR_*, of this mount
  uint64_t set_below = 0, clear_below = 0;  // MOUNT_ATTR_*, of it and everything that came along
  uint64_t propagation = 0;                 // MS_PRIVATE…; 0 = leave
  bool propagation_recursive = false;
  std::vector<std::pair<std::string, std::string>> options;  // of the file system; an empty value is a flag
  bool copy_up = false;                                      // tmpfs: filled with what the image has at its place
  std::vector<IdMap> uid_map, gid_map;                       // bind: ids of its files as the container sees them
  bool map_recursive = false;
};

using MountSpec = std::variant<BindMount, TmpfsMount, RawMount>;

/// A node that is made inside, whether the host has it or not.
struct DeviceNode {
  std::string path;  // in the container
  mode_t mode = 0;   // with S_IFCHR, S_IFBLK or S_IFIFO
  dev_t device = 0;
  uid_t uid = 0;
  gid_t gid = 0;
};

/// A node of the host made available inside; a directory stands for all nodes below it.
struct DeviceSpec {
  std::string host_path;
  std::string container_path;       // empty = the same
  std::string permissions = "rwm";  // what the device cgroup allows
};

/// How a container stands to one kind of namespace.
struct NamespaceMode {
  enum class Kind { own, host, join };
  Kind kind = Kind::own;
  sys::FdRef fd{-1};  // for join: an nsfs descriptor, borrowed during the start

  [[nodiscard]] static NamespaceMode own() { return {}; }
  [[nodiscard]] static NamespaceMode host() { return {Kind::host, sys::FdRef(-1)}; }
  [[nodiscard]] static NamespaceMode join(sys::FdRef fd) { return {Kind::join, fd}; }
};

enum class SeccompMode {
  default_profile,  // Docker's default for the container's capabilities
  unconfined,
  program,  // `seccomp_program`
};

/// How the layers become one root. `automatic` takes the best that this kernel has; the others exist so that tests
/// can walk the paths of older kernels.
enum class OverlayMethod { automatic, append_path, classic };

/// Linux's masked and read-only paths as Docker has them; thermal_throttle directories as this machine has them.
[[nodiscard]] const std::vector<std::string>& default_masked_paths();
[[nodiscard]] const std::vector<std::string>& default_read_only_paths();

/// One container, completely: starting it twice gives the same container twice. Paths of the host are absolute.
struct ContainerSpec {
  std::string id;
  std::string hostname;
  std::string domainname;

  std::vector<std::string> layers;  // overlay's lower directories, topmost first
  std::string upper_dir;            // what the container writes; must exist
  std::string work_dir;             // overlay's scratch, on the file system of upper_dir; must exist
  std::string rootfs;               // instead of the three above: a directory used as it is
  OverlayMethod overlay = OverlayMethod::automatic;
  bool read_only_root = false;

  std::vector<std::string> args;  // ENTRYPOINT and CMD, already joined
  std::vector<std::string> env;   // "K=V"; PATH, HOME and TERM (tty) are added where missing, HOSTNAME is not
  std::string cwd;                // absolute; created if missing; "" = "/"
  std::string user;               // uid|name[:gid|group]; "" = root
  std::vector<std::string> group_add;
  bool tty = false;
  uint16_t tty_rows = 0;
  uint16_t tty_columns = 0;
  bool init = false;             // a tiny reaper that forwards signals runs as PID 1
  bool die_with_parent = false;  // SIGKILL when the thread that starts it ends: for a process that nobody adopts

  std::vector<MountSpec> mounts;  // in this order; nothing on or below /proc is accepted
  uint64_t shm_size = 64 << 20;   // 0 = no /dev/shm
  std::vector<std::string> masked_paths = default_masked_paths();  // emptied by the caller for systempaths=unconfined
  std::vector<std::string> read_only_paths = default_read_only_paths();  // privileged ignores both

  std::vector<std::string> cap_add, cap_drop;
  bool privileged = false;  // all capabilities, no masks, no seccomp, all devices, writable /sys
  bool no_new_privileges = false;
  SeccompMode seccomp = SeccompMode::default_profile;
  std::shared_ptr<const std::vector<sock_filter>> seccomp_program;
  unsigned seccomp_flags = 0;    // SECCOMP_FILTER_FLAG_*, for a program
  std::string apparmor_profile;  // that the kernel has; "" = none

  std::vector<Rlimit> rlimits;
  std::map<std::string, std::string> sysctls;  // "net.core.somaxconn"; only those of namespaces of its own
  std::optional<int> oom_score_adj;
  std::vector<DeviceSpec> devices;
  std::vector<std::string> device_cgroup_rules;  // "c 1:3 mr"

  NamespaceMode pid, ipc, uts, cgroup;  // the network namespace is given to Launch::start
  NamespaceMode user_ns = NamespaceMode::host();
  std::vector<IdMap> uid_map, gid_map;  // of a user namespace of its own
  NamespaceMode time_ns = NamespaceMode::host();
  std::string time_offsets;  // as /proc/PID/timens_offsets takes them
  Resources resources;
  std::string cgroup_path;  // "berth-<tag>/<id>", below the root of each hierarchy

  /// How a container is made that is described completely, as an OCI bundle does.
  struct Bare {
    std::vector<DeviceNode> devices;     // besides those that every container gets
    std::vector<DeviceRule> rules;       // before those of the default devices; what none allows is denied
    bool new_network = false;            // a network namespace of its own, with only a loopback
    uint64_t root_propagation = 0;       // MS_PRIVATE…, of all mounts at the end; 0 = MS_SLAVE
    bool pivot = true;                   // false: the root is moved and changed into, for roots that cannot be pivoted
    std::string keyring;                 // name of a new session keyring; "" = the caller's
    unsigned preserved = 0;              // so many descriptors from 3 on go to the program
    std::vector<Hook> create_container;  // in the container's namespaces, before its root
    std::vector<Hook> start_container;   // just before the program
  };
  /// With it, nothing is added that this spec does not name: no mounts, sysctls, variables and floors of limits of
  /// Docker's. `process` is needed then.
  std::optional<Bare> bare;
  std::optional<ProcessAttributes> process;
};

/// A further process in a running container. Everything not said here is the container's.
struct ExecSpec {
  std::vector<std::string> args;
  std::vector<std::string> env;  // replaces or adds to the container's
  std::string cwd;               // "" = the container's; must exist
  std::string user;              // "" = the container's
  bool tty = false;
  uint16_t tty_rows = 0;
  uint16_t tty_columns = 0;
  bool privileged = false;  // all capabilities and no seccomp; the device cgroup stays as it is

  std::optional<ProcessAttributes> process;  // instead of the container's user, capabilities, limits and environment
  std::optional<int> oom_score_adj;          // with `process` only
  unsigned preserved = 0;                    // so many descriptors from 3 on go to the program
};

}  // namespace berth::runtime
