#include <fmt/core.h>

#include <cmath>

#include "base/text.h"
#include "compose/bytes.h"
#include "engine/lower_parts.h"

namespace berth::engine {
namespace {

using compose::Tree;

constexpr int64_t kMinWeight = 10, kMaxWeight = 1000;

int64_t weight(const Lowering& in, const Tree& tree) {
  int64_t value = compose::parse_bytes(tree.text).value_or(-1);
  if (value == 0 || (value >= kMinWeight && value <= kMaxWeight)) return value;
  in.diagnostics.error(
      tree.span, fmt::format("services.{}.blkio_config: weight {} is not within 10..1000", in.service.name, tree.text));
  return 0;
}

/// A list of {path, rate} or {path, weight}; their shape has been checked when they were read.
std::vector<DeviceLimit> device_limits(const Lowering& in, std::string_view key, bool weights) {
  std::vector<DeviceLimit> limits;
  const Tree* list = in.service.blkio_config.find(key);
  if (list == nullptr) return limits;
  for (const Tree& item : list->items) {
    const Tree* path = item.find("path");
    const Tree* value = item.find(weights ? "weight" : "rate");
    if (path == nullptr || value == nullptr) {
      in.diagnostics.error(item.span, fmt::format("services.{}.blkio_config.{}: an entry needs a path and a {}",
                                                  in.service.name, key, weights ? "weight" : "rate"));
      continue;
    }
    limits.push_back({path->text, weights ? weight(in, *value) : compose::parse_bytes(value->text).value_or(0)});
  }
  return limits;
}

void lower_blkio(const Lowering& in, BlkioConfig& blkio) {
  if (const Tree* tree = in.service.blkio_config.find("weight")) blkio.weight = weight(in, *tree);
  blkio.weight_device = device_limits(in, "weight_device", true);
  blkio.read_bps = device_limits(in, "device_read_bps", false);
  blkio.write_bps = device_limits(in, "device_write_bps", false);
  blkio.read_iops = device_limits(in, "device_read_iops", false);
  blkio.write_iops = device_limits(in, "device_write_iops", false);
}

/// A path below the root of each hierarchy, with or without a slash before it.
std::string lower_parent(const Lowering& in) {
  std::string text = in.service.cgroup_parent.value_or("");
  std::string path;
  for (const std::string& part : split(text, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      in.diagnostics.error(in.service.place("cgroup_parent"),
                           fmt::format("cgroup_parent \"{}\" leads upwards", printable(text)),
                           "write a path below the root of the control groups, like /shop/batch");
      return "";
    }
    path += (path.empty() ? "" : "/") + part;
  }
  return path;
}

}  // namespace

void lower_resources(const Lowering& in) {
  const compose::Service& s = in.service;
  ResourceConfig& r = in.container.resources;
  r.memory = s.mem_limit.value_or(0);
  r.memory_swap = s.memswap_limit.value_or(0);
  r.memory_reservation = s.mem_reservation.value_or(0);
  r.memory_swappiness = s.mem_swappiness;
  r.oom_kill_disable = s.oom_kill_disable.value_or(false);
  r.cpu_quota = s.cpu_quota.value_or(0);
  r.cpu_period = s.cpu_period.value_or(0);
  r.cpu_shares = s.cpu_shares.value_or(0);
  r.cpu_rt_runtime = s.cpu_rt_runtime.value_or(0);
  r.cpu_rt_period = s.cpu_rt_period.value_or(0);
  r.cpuset = s.cpuset.value_or("");
  r.pids = s.pids_limit.value_or(0);
  lower_blkio(in, r.blkio);
  r.parent = lower_parent(in);
  double cpus = s.cpus.value_or(0);
  if (s.deploy && s.deploy->resources) {
    if (const auto& limits = s.deploy->resources->limits) {
      cpus = limits->cpus.value_or(cpus);
      r.memory = limits->memory.value_or(r.memory);
      r.pids = limits->pids.value_or(r.pids);
    }
    if (const auto& reserved = s.deploy->resources->reservations) {
      r.memory_reservation = reserved->memory.value_or(r.memory_reservation);
    }
  }
  r.nano_cpus = std::llround(cpus * 1e9);
}

}  // namespace berth::engine
