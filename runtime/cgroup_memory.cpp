#include <fmt/core.h>

#include "runtime/cgroup_controllers.h"
#include "sys/file.h"

namespace berth::runtime {
namespace {

constexpr int64_t kMinimum = 6 << 20;  // Docker's floor: below, a container cannot even be set up reliably

Status check(const Resources& resources) {
  if (resources.memory && *resources.memory > 0 && *resources.memory < kMinimum) {
    return make_error(fmt::format("memory limit {} is below the minimum of 6 MiB", *resources.memory));
  }
  if (resources.memory && resources.memory_reservation && *resources.memory_reservation > *resources.memory) {
    return make_error("memory reservation is larger than the memory limit");
  }
  if (resources.memory_swap && *resources.memory_swap > 0) {
    if (!resources.memory) return make_error("memory+swap limit without a memory limit", "set mem_limit as well");
    if (*resources.memory_swap < *resources.memory)
      return make_error("memory+swap limit is smaller than the memory limit");
  }
  return {};
}

/// Memory and swap together: twice the memory unless said otherwise, -1 = no limit.
int64_t swap_total(const Resources& resources) {
  if (resources.memory_swap && *resources.memory_swap != 0) return *resources.memory_swap;
  return *resources.memory > INT64_MAX / 2 ? -1 : *resources.memory * 2;
}

Status write_limit(sys::FdRef dir, const char* file, int64_t value) {
  return sys::write_existing_at(dir, file, value < 0 ? "max" : std::to_string(value));
}

/// The swap limit, where the kernel counts swap at all: Docker only warns where it does not.
Status write_memsw(sys::FdRef dir, int64_t total) {
  Status written = sys::write_existing_at(dir, "memory.memsw.limit_in_bytes", std::to_string(total));
  if (!written && written.error().code == ENOENT) return {};
  return written;
}

}  // namespace

Status apply_memory_v1(sys::FdRef dir, const Resources& resources) {
  BERTH_TRY_OK(check(resources));
  if (resources.memory && *resources.memory > 0) {
    // The kernel keeps limit <= memsw at every moment. Raising needs memsw first, lowering limit first: try the second
    // order when the first is refused.
    std::string limit = std::to_string(*resources.memory);
    if (!sys::write_existing_at(dir, "memory.limit_in_bytes", limit)) {
      BERTH_TRY_OK(write_memsw(dir, swap_total(resources)));
      BERTH_TRY_OK(sys::write_existing_at(dir, "memory.limit_in_bytes", limit));
    } else {
      BERTH_TRY_OK(write_memsw(dir, swap_total(resources)));
    }
  }
  if (resources.memory_reservation) {
    BERTH_TRY_OK(
        sys::write_existing_at(dir, "memory.soft_limit_in_bytes", std::to_string(*resources.memory_reservation)));
  }
  if (resources.memory_swappiness) {
    BERTH_TRY_OK(sys::write_existing_at(dir, "memory.swappiness", std::to_string(*resources.memory_swappiness)));
  }
  if (resources.oom_kill_disable) BERTH_TRY_OK(sys::write_existing_at(dir, "memory.oom_control", "1"));
  return {};
}

Status apply_memory_v2(sys::FdRef dir, const Resources& resources) {
  BERTH_TRY_OK(check(resources));
  if (resources.memory && *resources.memory > 0) {
    int64_t total = swap_total(resources);
    Status swap = write_limit(dir, "memory.swap.max", total < 0 ? -1 : total - *resources.memory);
    if (!swap && swap.error().code != ENOENT) return swap;  // ENOENT: a kernel without swap accounting
    BERTH_TRY_OK(write_limit(dir, "memory.max", *resources.memory));
  }
  if (resources.memory_reservation) BERTH_TRY_OK(write_limit(dir, "memory.low", *resources.memory_reservation));
  return {};
}

}  // namespace berth::runtime
