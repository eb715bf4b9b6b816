#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/cgroup_controllers.h"
#include "sys/file.h"

namespace berth::runtime {
namespace {

constexpr uint64_t kDefaultPeriod = 100'000;  // µs, the kernel's own
constexpr int64_t kMinimumQuota = 1'000;      // µs, the kernel refuses less

struct Bandwidth {
  std::optional<int64_t> quota;  // µs of each period; -1 = no limit
  std::optional<uint64_t> period;
};

Result<Bandwidth> bandwidth(const Resources& resources) {
  Bandwidth result{resources.cpu_quota_us, resources.cpu_period_us};
  if (!resources.nano_cpus || *resources.nano_cpus == 0) return result;
  if (result.quota || result.period) return make_error("cpus and cpu_quota/cpu_period exclude each other");
  int64_t online = sysconf(_SC_NPROCESSORS_ONLN);
  if (*resources.nano_cpus < 0 || *resources.nano_cpus > online * 1'000'000'000) {
    return make_error(fmt::format("cpus {} is out of range: this machine has {}",
                                  static_cast<double>(*resources.nano_cpus) / 1e9, online));
  }
  result.period = kDefaultPeriod;
  result.quota = std::max(*resources.nano_cpus / 10'000, kMinimumQuota);
  return result;
}

/// A share of realtime, in parts of a million.
uint64_t realtime_share(uint64_t runtime, uint64_t period) {
  return period == 0 ? 0 : (runtime * 1'000'000 + period - 1) / period;
}

uint64_t realtime_share(const std::string& group) {
  return realtime_share(read_number(group + "/cpu.rt_runtime_us"), read_number(group + "/cpu.rt_period_us"));
}

/// Of all groups directly below `group` but one.
uint64_t realtime_below(const std::string& group, const std::string& except) {
  uint64_t sum = 0;
  for (const std::string& name : sys::list_dir(group).value_or({})) {
    if (group + "/" + name != except) sum += realtime_share(group + "/" + name);
  }
  return sum;
}

}  // namespace

Status lend_realtime_v1(const std::string& root, const std::string& path, const Resources& resources) {
  if (!resources.cpu_rt_runtime_us && !resources.cpu_rt_period_us) return {};
  std::string below = root + "/" + path;
  // What is not told stays as it is.
  const uint64_t wanted = resources.cpu_rt_runtime_us
                              ? static_cast<uint64_t>(std::max<int64_t>(*resources.cpu_rt_runtime_us, 0))
                              : read_number(below + "/cpu.rt_runtime_us");
  if (wanted == 0) return {};
  uint64_t share =
      realtime_share(wanted, resources.cpu_rt_period_us.value_or(read_number(below + "/cpu.rt_period_us")));
  std::vector<std::pair<std::string, uint64_t>> groups;  // from the bottom up, with the share that each needs
  for (size_t slash = path.rfind('/'); slash != std::string::npos && slash > 0; slash = path.rfind('/', slash - 1)) {
    std::string group = root + "/" + path.substr(0, slash);
    share += realtime_below(group, below);
    groups.emplace_back(group, share);
    below = group;
  }
  for (auto group = groups.rbegin(); group != groups.rend(); ++group) {
    if (realtime_share(group->first) >= group->second) continue;
    uint64_t period = read_number(group->first + "/cpu.rt_period_us");
    uint64_t runtime = (group->second * period + 999'999) / 1'000'000;
    BERTH_TRY_OK(sys::write_existing(group->first + "/cpu.rt_runtime_us", std::to_string(runtime)));
  }
  return {};
}

uint64_t cpu_weight(uint64_t shares) {
  if (shares == 0) return 100;
  double log = std::log2(static_cast<double>(std::clamp<uint64_t>(shares, 2, 262144)));
  double exponent = (log * log + 125 * log) / 612.0 - 7.0 / 34.0;
  return std::clamp<uint64_t>(static_cast<uint64_t>(std::ceil(std::pow(10, exponent))), 1, 10000);
}

Status apply_cpu_v1(sys::FdRef dir, const Resources& resources) {
  BERTH_TRY(Bandwidth limit, bandwidth(resources));
  if (resources.cpu_shares && *resources.cpu_shares != 0) {
    BERTH_TRY_OK(sys::write_existing_at(dir, "cpu.shares", std::to_string(*resources.cpu_shares)));
  }
  // The period first: the kernel checks the quota against it.
  if (limit.period) BERTH_TRY_OK(sys::write_existing_at(dir, "cpu.cfs_period_us", std::to_string(*limit.period)));
  if (limit.quota) BERTH_TRY_OK(sys::write_existing_at(dir, "cpu.cfs_quota_us", std::to_string(*limit.quota)));
  if (resources.cpu_rt_period_us) {
    BERTH_TRY_OK(sys::write_existing_at(dir, "cpu.rt_period_us", std::to_string(*resources.cpu_rt_period_us)));
  }
  if (resources.cpu_rt_runtime_us) {
    BERTH_TRY_OK(sys::write_existing_at(dir, "cpu.rt_runtime_us", std::to_string(*resources.cpu_rt_runtime_us)));
  }
  return {};
}

Status apply_cpu_v2(sys::FdRef dir, const Resources& resources) {
  BERTH_TRY(Bandwidth limit, bandwidth(resources));
  if (resources.cpu_rt_runtime_us || resources.cpu_rt_period_us) {
    return make_error("cpu_rt_runtime and cpu_rt_period: control groups v2 have no realtime limits");
  }
  if (resources.cpu_shares && *resources.cpu_shares != 0) {
    BERTH_TRY_OK(sys::write_existing_at(dir, "cpu.weight", std::to_string(cpu_weight(*resources.cpu_shares))));
  }
  if (!limit.quota && !limit.period) return {};
  std::string quota = limit.quota.value_or(-1) <= 0 ? "max" : std::to_string(*limit.quota);
  return sys::write_existing_at(dir, "cpu.max", fmt::format("{} {}", quota, limit.period.value_or(kDefaultPeriod)));
}

}  // namespace berth::runtime
