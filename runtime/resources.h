#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace berth::runtime {

/// The rate of one block device: "/dev/sda" by path on the host or "8:0" by number, bytes or operations a second.
struct BlkioRate {
  std::string device;
  uint64_t rate = 0;
};

struct BlkioWeight {
  std::string device;
  uint16_t weight = 0;
};

/// Limits that the kernel's control groups enforce. Unset means: leave the kernel's default. Units are bytes,
/// nanoseconds and counts; the words of cgroup v1 and v2 do not appear here.
struct Resources {
  std::optional<int64_t> memory;              // hard limit
  std::optional<int64_t> memory_swap;         // memory + swap, as Docker counts; -1 = no limit on swap
  std::optional<int64_t> memory_reservation;  // soft limit
  std::optional<int> memory_swappiness;       // 0..100; v1 only
  bool oom_kill_disable = false;              // v1 only

  std::optional<int64_t> nano_cpus;     // 1.5 CPUs = 1'500'000'000; excludes cpu_quota
  std::optional<int64_t> cpu_quota_us;  // of each period
  std::optional<uint64_t> cpu_period_us;
  std::optional<uint64_t> cpu_shares;        // 2..262144, 1024 is the default's weight
  std::optional<int64_t> cpu_rt_runtime_us;  // v1 only, an error on v2
  std::optional<uint64_t> cpu_rt_period_us;
  std::string cpuset_cpus;  // "0-2,4"
  std::string cpuset_mems;

  std::optional<int64_t> pids_limit;  // <= 0 means no limit

  /// The values as they are: neither Docker's floor of 6 MiB nor its swap of as much as the memory. -1 = no limit.
  bool exact = false;
  bool check_before_update = false;  // exact: a memory limit below what is in use is refused
  /// Files of a controller that nothing above covers; on v2 of the group itself, whatever the controller.
  struct File {
    std::string controller, name, value;
  };
  std::vector<File> files;

  std::optional<uint16_t> blkio_weight;  // 10..1000
  std::vector<BlkioWeight> blkio_weight_device;
  std::vector<BlkioRate> read_bps, write_bps, read_iops, write_iops;
};

/// One rule of the device cgroup; later rules win over earlier ones.
struct DeviceRule {
  char type = 'a';     // 'c', 'b', or 'a' for both
  int64_t major = -1;  // -1 = any
  int64_t minor = -1;
  std::string access = "rwm";
  bool allow = true;
  bool operator==(const DeviceRule&) const = default;
};

}  // namespace berth::runtime
