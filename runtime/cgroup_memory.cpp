#include <fcntl.h>
#include <fmt/core.h>

#include <cerrno>
#include <optional>

#include "base/text.h"
#include "runtime/cgroup_controllers.h"
#include "sys/file.h"

namespace berth::runtime {
namespace {

constexpr int64_t kMinimum = 6 << 20;  // Docker's floor: below, a container cannot even be set up reliably

Status check(const Resources& resources) {
  if (resources.exact) return {};
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

/// The kernel would rather kill than refuse a limit below what is in use.
Status check_usage(const Resources& resources, sys::FdRef dir, const char* file) {
  if (!resources.check_before_update || !resources.memory || *resources.memory < 0) return {};
  BERTH_TRY(sys::UniqueFd fd, sys::open_at(dir, file, O_RDONLY));
  BERTH_TRY(std::string text, sys::read_all(fd.ref(), 4096));
  if (parse_unsigned(trim(text)).value_or(0) <= static_cast<uint64_t>(*resources.memory)) return {};
  return make_error(fmt::format("memory limit {} is below the {} bytes in use", *resources.memory, trim(text)));
}

/// The hard limit, -1 = none; nothing where it stays as it is.
std::optional<int64_t> hard_limit(const Resources& resources) {
  bool set = resources.memory && (resources.exact ? *resources.memory != 0 : *resources.memory > 0);
  return set ? resources.memory : std::nullopt;
}

/// Memory and swap together, -1 = no limit: twice the memory unless said otherwise.
std::optional<int64_t> swap_total(const Resources& resources) {
  std::optional<int64_t> memory = hard_limit(resources);
  if (resources.memory_swap && *resources.memory_swap != 0 && (memory || resources.exact)) return resources.memory_swap;
  if (!memory) return std::nullopt;
  if (*memory < 0) return -1;  // with no limit of memory, one of memory and swap would make no sense
  if (resources.exact) return std::nullopt;
  return *memory > INT64_MAX / 2 ? -1 : *memory * 2;
}

Status write_limit(sys::FdRef dir, const char* file, int64_t value) {
  return sys::write_existing_at(dir, file, value < 0 ? "max" : std::to_string(value));
}

/// The swap limit, where the kernel counts swap at all: Docker only warns where it does not.
Status write_memsw(sys::FdRef dir, std::optional<int64_t> total) {
  if (!total) return {};
  Status written = sys::write_existing_at(dir, "memory.memsw.limit_in_bytes", std::to_string(*total));
  if (!written && written.error().code == ENOENT) return {};
  return written;
}

Status write_swap_v2(sys::FdRef dir, std::optional<int64_t> memory, std::optional<int64_t> total) {
  if (!total) return {};
  if (*total >= 0 && (!memory || *memory < 0 || *total < *memory)) {
    return make_error(fmt::format("limit {} of memory and swap needs a memory limit that is not larger", *total));
  }
  Status written = write_limit(dir, "memory.swap.max", *total < 0 ? -1 : *total - *memory);
  if (!written && written.error().code == ENOENT) return {};  // a kernel without swap accounting
  return written;
}

}  // namespace

Status apply_memory_v1(sys::FdRef dir, const Resources& resources) {
  BERTH_TRY_OK(check(resources));
  BERTH_TRY_OK(check_usage(resources, dir, "memory.usage_in_bytes"));
  std::optional<int64_t> memory = hard_limit(resources), total = swap_total(resources);
  // The kernel keeps limit <= memsw at every moment. Raising needs memsw first, lowering limit first: try the second
  // order when the first is refused.
  bool limited = memory && sys::write_existing_at(dir, "memory.limit_in_bytes", std::to_string(*memory)).ok();
  BERTH_TRY_OK(write_memsw(dir, total));
  if (memory && !limited) {
    BERTH_TRY_OK(sys::write_existing_at(dir, "memory.limit_in_bytes", std::to_string(*memory)));
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
  BERTH_TRY_OK(check_usage(resources, dir, "memory.current"));
  if (resources.exact && (resources.memory_swappiness || resources.oom_kill_disable)) {
    return make_error("swappiness and disabling the OOM killer: control groups v2 have neither");
  }
  std::optional<int64_t> memory = hard_limit(resources);
  BERTH_TRY_OK(write_swap_v2(dir, memory, swap_total(resources)));
  if (memory) BERTH_TRY_OK(write_limit(dir, "memory.max", *memory));
  if (resources.memory_reservation) BERTH_TRY_OK(write_limit(dir, "memory.low", *resources.memory_reservation));
  return {};
}

}  // namespace berth::runtime
