#include <fmt/core.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cerrno>

#include "base/text.h"
#include "runtime/cgroup_controllers.h"
#include "sys/file.h"

namespace berth::runtime {
namespace {

Result<std::string> device_number(const std::string& path) {
  if (!path.starts_with('/')) return path;
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return sys_error("device " + printable(path), errno);
  if (!S_ISBLK(info.st_mode)) return make_error(fmt::format("{} is not a block device", printable(path)));
  return fmt::format("{}:{}", major(info.st_rdev), minor(info.st_rdev));
}

Status check_weight(uint16_t weight) {
  if (weight >= 10 && weight <= 1000) return {};
  return make_error(fmt::format("blkio weight {} is not within 10..1000", weight));
}

/// The first of the files that this kernel's scheduler offers.
Status write_weight(sys::FdRef dir, std::initializer_list<std::pair<const char*, std::string>> choices) {
  Status written;
  for (const auto& [file, value] : choices) {
    written = sys::write_existing_at(dir, file, value);
    if (written || written.error().code != ENOENT) return written;
  }
  written.error().hint = "no I/O scheduler of this kernel weighs (bfq does)";
  return written;
}

Status write_rates(sys::FdRef dir, const char* file, const std::vector<BlkioRate>& rates) {
  for (const BlkioRate& entry : rates) {
    BERTH_TRY(std::string number, device_number(entry.device));
    BERTH_TRY_OK(sys::write_existing_at(dir, file, fmt::format("{} {}", number, entry.rate)));
  }
  return {};
}

}  // namespace

bool wants_blkio(const Resources& r) {
  return r.blkio_weight || !r.blkio_weight_device.empty() || !r.read_bps.empty() || !r.write_bps.empty() ||
         !r.read_iops.empty() || !r.write_iops.empty();
}

uint64_t io_weight(uint64_t weight) {
  return 1 + (weight - 10) * 9999 / 990;
}

Status apply_blkio_v1(sys::FdRef dir, const Resources& resources) {
  if (resources.blkio_weight) {
    BERTH_TRY_OK(check_weight(*resources.blkio_weight));
    std::string value = std::to_string(*resources.blkio_weight);
    BERTH_TRY_OK(write_weight(dir, {{"blkio.weight", value}, {"blkio.bfq.weight", value}}));
  }
  for (const BlkioWeight& entry : resources.blkio_weight_device) {
    BERTH_TRY_OK(check_weight(entry.weight));
    BERTH_TRY(std::string number, device_number(entry.device));
    std::string value = fmt::format("{} {}", number, entry.weight);
    BERTH_TRY_OK(write_weight(dir, {{"blkio.weight_device", value}, {"blkio.bfq.weight_device", value}}));
  }
  BERTH_TRY_OK(write_rates(dir, "blkio.throttle.read_bps_device", resources.read_bps));
  BERTH_TRY_OK(write_rates(dir, "blkio.throttle.write_bps_device", resources.write_bps));
  BERTH_TRY_OK(write_rates(dir, "blkio.throttle.read_iops_device", resources.read_iops));
  return write_rates(dir, "blkio.throttle.write_iops_device", resources.write_iops);
}

Status apply_io_v2(sys::FdRef dir, const Resources& resources) {
  if (resources.blkio_weight) {
    BERTH_TRY_OK(check_weight(*resources.blkio_weight));
    BERTH_TRY_OK(write_weight(dir, {{"io.bfq.weight", std::to_string(*resources.blkio_weight)},
                                    {"io.weight", fmt::format("default {}", io_weight(*resources.blkio_weight))}}));
  }
  for (const BlkioWeight& entry : resources.blkio_weight_device) {
    BERTH_TRY_OK(check_weight(entry.weight));
    BERTH_TRY(std::string number, device_number(entry.device));
    BERTH_TRY_OK(write_weight(dir, {{"io.bfq.weight", fmt::format("{} {}", number, entry.weight)},
                                    {"io.weight", fmt::format("{} {}", number, io_weight(entry.weight))}}));
  }
  const std::pair<const char*, const std::vector<BlkioRate>*> kinds[] = {{"rbps", &resources.read_bps},
                                                                         {"wbps", &resources.write_bps},
                                                                         {"riops", &resources.read_iops},
                                                                         {"wiops", &resources.write_iops}};
  for (const auto& [key, rates] : kinds) {
    for (const BlkioRate& entry : *rates) {
      BERTH_TRY(std::string number, device_number(entry.device));
      BERTH_TRY_OK(sys::write_existing_at(dir, "io.max", fmt::format("{} {}={}", number, key, entry.rate)));
    }
  }
  return {};
}

}  // namespace berth::runtime
