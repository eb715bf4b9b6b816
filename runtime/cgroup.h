#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "runtime/cgroup_mounts.h"
#include "runtime/resources.h"
#include "sys/fd.h"

namespace berth::runtime {

struct CgroupStats {
  uint64_t memory_usage = 0;  // bytes, without what the page cache could give back at once (as docker stats)
  uint64_t memory_peak = 0;   // 0 where the kernel does not count it
  uint64_t memory_limit = 0;  // 0 = none
  uint64_t cpu_ns = 0;
  uint64_t pids = 0;
  uint64_t blkio_read_bytes = 0;
  uint64_t blkio_write_bytes = 0;
};

class CgroupControllers;

/// The control groups of one container.
///
/// Two things in one: a tracking group in the v2 hierarchy, which every host has (mounted or not), and with which a
/// container is frozen, killed and watched as a whole; and the limits, either in that same group (pure v2) or in the
/// v1 hierarchies (hybrid and v1 hosts). See docs/decisions/0003-container-start.md.
///
/// The groups are leftovers, not handles: they outlive this object and go only by remove().
class Cgroup {
 public:
  /// Makes the groups at `path` ("berth-<tag>/<id>" or "<parent>/<id>", relative to each hierarchy's root) and writes
  /// the limits. On error nothing is left. A group that exists already is taken over if no process is in it, else
  /// EBUSY. `devices` empty = every device is allowed (privileged).
  [[nodiscard]] static Result<Cgroup> create(const CgroupMounts& mounts, const std::string& path,
                                             const Resources& resources, const std::vector<DeviceRule>& devices);

  /// The groups that exist at `path`. Error ENOENT if there is none.
  [[nodiscard]] static Result<Cgroup> open(const CgroupMounts& mounts, const std::string& path);

  Cgroup(Cgroup&&) noexcept;
  Cgroup& operator=(Cgroup&&) noexcept;
  ~Cgroup();

  /// The v2 directory, for CLONE_INTO_CGROUP.
  [[nodiscard]] sys::FdRef directory() const { return directory_.ref(); }
  /// Where one more process can be born beside `member`, which lives in here: mostly directory() again. A container
  /// that hands controllers down (a privileged one may; systemd and Docker do so inside) has groups of its own below,
  /// and no process can live in the one above them. ESRCH if `member` is not here any more.
  [[nodiscard]] Result<sys::UniqueFd> open_directory_beside(pid_t member) const;
  /// `tasks` of each v1 group, opened for writing: the thread that writes "0" there joins. Empty on pure v2. Through
  /// cgroup.procs the kernel would hold all forks and exits up and wait for an RCU grace period, some ten milliseconds;
  /// for a thread that moves itself it need not (Linux 5.4), and a new process has but one.
  [[nodiscard]] Result<std::vector<sys::UniqueFd>> open_v1_tasks() const;
  /// Host paths of the groups to show inside the container, by their place below /sys/fs/cgroup ("" = v2's root).
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> visible() const;

  /// Moves a process of any parentage in.
  [[nodiscard]] Status attach(pid_t pid) const;
  /// Changes limits of a running container (`update`).
  [[nodiscard]] Status apply(const Resources& resources) const;

  /// SIGKILL to everything in it at once; Ok if already gone.
  [[nodiscard]] Status kill() const;
  /// False once no process is left, or the group itself is gone.
  [[nodiscard]] Result<bool> populated() const;
  /// cgroup.events opened for reading: poll(2) it for POLLPRI to learn that populated() or frozen() changed.
  [[nodiscard]] Result<sys::UniqueFd> open_events() const;
  /// Waits until the kernel says so, at most two seconds; thaws again on failure.
  [[nodiscard]] Status freeze() const;
  [[nodiscard]] Status thaw() const;
  [[nodiscard]] Result<bool> frozen() const;
  /// Every process in it and in groups below, as numbers of our own pid namespace.
  [[nodiscard]] Result<std::vector<pid_t>> processes() const;

  [[nodiscard]] Result<CgroupStats> stats() const;
  /// How many processes the kernel's OOM killer has taken here.
  [[nodiscard]] uint64_t oom_kills() const;

  /// Removes the groups bottom-up, retrying EBUSY for a second (exiting processes leave late), and those above that
  /// were made for it when it was the last. Ok if already gone.
  [[nodiscard]] Status remove() const;

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  Cgroup(std::string path, std::string tracking, sys::UniqueFd directory, std::unique_ptr<CgroupControllers> limits);
  /// kill() where the kernel has no cgroup.kill (before Linux 5.14).
  [[nodiscard]] Status kill_each() const;

  std::string path_;
  std::string tracking_;  // host path of the v2 directory
  sys::UniqueFd directory_;
  std::unique_ptr<CgroupControllers> controllers_;
};

}  // namespace berth::runtime
