#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <optional>

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

}  // namespace

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
