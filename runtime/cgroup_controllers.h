#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "runtime/cgroup.h"
#include "runtime/oom_events.h"
#include "sys/fd.h"

namespace berth::runtime {

/// The limiting half of a container's control groups: one implementation for the v1 hierarchies, one for pure v2.
class CgroupControllers {
 public:
  virtual ~CgroupControllers() = default;

  /// Makes the groups if needed. The v2 directory exists already.
  [[nodiscard]] virtual Status create(const Resources& resources) = 0;
  [[nodiscard]] virtual Status apply(const Resources& resources) = 0;
  [[nodiscard]] virtual Status apply_devices(const std::vector<DeviceRule>& rules) = 0;
  [[nodiscard]] virtual Result<std::vector<sys::UniqueFd>> open_tasks() const = 0;
  [[nodiscard]] virtual std::vector<std::pair<std::string, std::string>> visible() const = 0;
  [[nodiscard]] virtual Result<CgroupStats> stats() const = 0;
  [[nodiscard]] virtual uint64_t oom_kills() const = 0;
  [[nodiscard]] virtual Result<OomEvents> open_oom_events() const = 0;
  /// Host paths of its directories besides the v2 one, for removal.
  [[nodiscard]] virtual std::vector<std::string> directories() const = 0;
};

[[nodiscard]] std::unique_ptr<CgroupControllers> make_v1_controllers(const CgroupMounts& mounts, std::string path);
[[nodiscard]] std::unique_ptr<CgroupControllers> make_v2_controllers(const CgroupMounts& mounts, std::string path);

// One file for each family of limits; `dir` is the group's directory in that controller's hierarchy. Error: the file
// and value that the kernel refused, with a hint where the reason is known.

[[nodiscard]] Status apply_memory_v1(sys::FdRef dir, const Resources& resources);
[[nodiscard]] Status apply_memory_v2(sys::FdRef dir, const Resources& resources);
[[nodiscard]] Status apply_cpu_v1(sys::FdRef dir, const Resources& resources);
/// Realtime that a group is to have must be there for all groups above it, which have none at first.
[[nodiscard]] Status lend_realtime_v1(const std::string& root, const std::string& path, const Resources& resources);
[[nodiscard]] Status apply_cpu_v2(sys::FdRef dir, const Resources& resources);
[[nodiscard]] Status apply_cpuset_v1(sys::FdRef dir, const Resources& resources);
[[nodiscard]] Status apply_cpuset_v2(sys::FdRef dir, const Resources& resources);
[[nodiscard]] Status apply_pids(sys::FdRef dir, const Resources& resources);  // the same file in both
[[nodiscard]] Status apply_blkio_v1(sys::FdRef dir, const Resources& resources);
[[nodiscard]] Status apply_io_v2(sys::FdRef dir, const Resources& resources);
[[nodiscard]] Status apply_devices_v1(sys::FdRef dir, const std::vector<DeviceRule>& rules);
[[nodiscard]] Status apply_devices_v2(sys::FdRef dir, const std::vector<DeviceRule>& rules);

/// Makes the group `path` ("a/b/c") below a hierarchy's root. Those above it that are new are marked as ours, so that
/// the last one out takes them away. `each` is called for every group on the way, new or not.
[[nodiscard]] Status make_group(const std::string& root, const std::string& path,
                                Status (*each)(const std::string& dir) = nullptr);

[[nodiscard]] bool wants_cpuset(const Resources& resources);
[[nodiscard]] bool wants_blkio(const Resources& resources);

/// v2's cpu.weight for v1's cpu.shares, by the formula of 2025 that keeps the defaults together (1024 → 100).
[[nodiscard]] uint64_t cpu_weight(uint64_t shares);
/// v2's io.weight (1..10000) for v1's blkio.weight (10..1000).
[[nodiscard]] uint64_t io_weight(uint64_t weight);

/// Adds every process of a group and of groups below; none where the group is gone.
void collect_processes(const std::string& dir, std::vector<pid_t>& pids);

// Small readers of cgroup files; 0 or "" where the file is missing or not understood.
[[nodiscard]] std::string read_text(const std::string& path);
[[nodiscard]] uint64_t read_number(const std::string& path);
/// The number after `key` in a file of "key number" lines.
[[nodiscard]] uint64_t read_keyed(const std::string& path, std::string_view key);

}  // namespace berth::runtime
