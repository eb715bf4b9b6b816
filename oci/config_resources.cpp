#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "oci/config.h"
#include "runtime/cgroup_mounts.h"

namespace berth::oci {
namespace {

using runtime::Resources;

/// Zero means "leave it" in most numbers of this part.
template <class T>
std::optional<T> nonzero(const Node& node) {
  std::optional<T> number = node.maybe<T>();
  return number && *number != 0 ? number : std::nullopt;
}

bool on_v1() {
  Result<runtime::CgroupMounts> mounts = runtime::CgroupMounts::discover();
  return mounts && mounts->hybrid();
}

template <class T>
void add_file(const Node& node, const char* controller, const char* v1, const char* v2, Resources& resources) {
  std::optional<T> number = node.maybe<T>();
  if (!number) return;
  const char* name = on_v1() ? v1 : v2;
  if (name == nullptr) return node.wrong("not supported: this version of control groups does not have it");
  resources.files.push_back({controller, name, std::to_string(*number)});
}

void read_memory(const Node& node, Resources& resources) {
  node.know({"limit", "reservation", "swap", "kernel", "kernelTCP", "swappiness", "disableOOMKiller", "useHierarchy",
             "checkBeforeUpdate"});
  resources.memory = nonzero<int64_t>(node["limit"]);
  resources.memory_reservation = nonzero<int64_t>(node["reservation"]);
  resources.memory_swap = nonzero<int64_t>(node["swap"]);
  resources.memory_swappiness = node["swappiness"].maybe<int>();
  resources.oom_kill_disable = node["disableOOMKiller"].flag();
  resources.check_before_update = node["checkBeforeUpdate"].flag();
  if (nonzero<int64_t>(node["kernel"])) node["kernel"].refuse("the kernel has no limit for itself any more");
  if (nonzero<int64_t>(node["kernelTCP"])) {
    add_file<int64_t>(node["kernelTCP"], "memory", "memory.kmem.tcp.limit_in_bytes", nullptr, resources);
  }
  if (!node["useHierarchy"].flag(true)) node["useHierarchy"].refuse("groups always count what is below them");
}

void read_cpu(const Node& node, Resources& resources) {
  node.know({"shares", "quota", "burst", "period", "realtimeRuntime", "realtimePeriod", "cpus", "mems", "idle"});
  resources.cpu_shares = nonzero<uint64_t>(node["shares"]);
  resources.cpu_quota_us = nonzero<int64_t>(node["quota"]);
  resources.cpu_period_us = nonzero<uint64_t>(node["period"]);
  resources.cpu_rt_runtime_us = nonzero<int64_t>(node["realtimeRuntime"]);
  resources.cpu_rt_period_us = nonzero<uint64_t>(node["realtimePeriod"]);
  resources.cpuset_cpus = node["cpus"].text();
  resources.cpuset_mems = node["mems"].text();
  add_file<uint64_t>(node["burst"], "cpu", "cpu.cfs_burst_us", "cpu.max.burst", resources);
  add_file<int64_t>(node["idle"], "cpu", "cpu.idle", "cpu.idle", resources);
}

std::string device_number(const Node& node) {
  return fmt::format("{}:{}", node["major"].number<int64_t>(), node["minor"].number<int64_t>());
}

std::vector<runtime::BlkioRate> rates_from(const Node& list) {
  std::vector<runtime::BlkioRate> rates;
  for (const Node& item : list.items()) {
    item.know({"major", "minor", "rate"});
    rates.push_back({device_number(item), item["rate"].number<uint64_t>()});
  }
  return rates;
}

void read_block_io(const Node& node, Resources& resources) {
  node.know({"weight", "leafWeight", "weightDevice", "throttleReadBpsDevice", "throttleWriteBpsDevice",
             "throttleReadIOPSDevice", "throttleWriteIOPSDevice"});
  constexpr char kLeaf[] = "no scheduler of today's kernels weighs a group against what is below it";
  resources.blkio_weight = nonzero<uint16_t>(node["weight"]);
  if (nonzero<uint16_t>(node["leafWeight"])) node["leafWeight"].refuse(kLeaf);
  for (const Node& item : node["weightDevice"].items()) {
    if (nonzero<uint16_t>(item["leafWeight"])) item["leafWeight"].refuse(kLeaf);
    if (std::optional<uint16_t> weight = nonzero<uint16_t>(item["weight"]))
      resources.blkio_weight_device.push_back({device_number(item), *weight});
  }
  resources.read_bps = rates_from(node["throttleReadBpsDevice"]);
  resources.write_bps = rates_from(node["throttleWriteBpsDevice"]);
  resources.read_iops = rates_from(node["throttleReadIOPSDevice"]);
  resources.write_iops = rates_from(node["throttleWriteIOPSDevice"]);
}

void read_huge_pages(const Node& list, Resources& resources) {
  for (const Node& item : list.items()) {
    std::string size = item["pageSize"].text();
    if (size.empty() || size.find_first_not_of("0123456789KMGB") != std::string::npos) {
      item["pageSize"].wrong("expected a size like 2MB");
      continue;
    }
    std::string v1 = "hugetlb." + size + ".limit_in_bytes", v2 = "hugetlb." + size + ".max";
    add_file<uint64_t>(item["limit"], "hugetlb", v1.c_str(), v2.c_str(), resources);
  }
}

void read_network(const Node& node, Resources& resources) {
  node.know({"classID", "priorities"});
  if (nonzero<uint32_t>(node["classID"]))
    add_file<uint32_t>(node["classID"], "net_cls", "net_cls.classid", nullptr, resources);
  for (const Node& item : node["priorities"].items()) {
    if (!on_v1()) return node["priorities"].refuse("control groups v2 have none");
    resources.files.push_back({"net_prio", "net_prio.ifpriomap",
                               fmt::format("{} {}", item["name"].text(), item["priority"].number<uint32_t>())});
  }
}

void read_rdma(const Node& node, Resources& resources) {
  for (const auto& [device, limits] : node.entries()) {
    std::string value = device;
    if (auto handles = limits["hcaHandles"].maybe<uint32_t>()) value += fmt::format(" hca_handle={}", *handles);
    if (auto objects = limits["hcaObjects"].maybe<uint32_t>()) value += fmt::format(" hca_object={}", *objects);
    resources.files.push_back({"rdma", "rdma.max", value});
  }
}

/// Files of the group by name. The part before the first dot is the controller.
void read_unified(const Node& node, Resources& resources) {
  if (!node.empty() && on_v1()) return node.refuse("it is for hosts with control groups v2 alone");
  for (const auto& [name, value] : node.entries()) {
    if (name.find('/') != std::string::npos || name.find('.') == std::string::npos) {
      value.wrong("expected the name of a file like memory.high");
      continue;
    }
    resources.files.push_back({name.substr(0, name.find('.')), name, value.text()});
  }
}

void read_limits(const Node& node, Resources& resources) {
  node.know({"devices", "memory", "cpu", "pids", "blockIO", "hugepageLimits", "network", "rdma", "unified"});
  resources.exact = true;
  read_memory(node["memory"], resources);
  read_cpu(node["cpu"], resources);
  resources.pids_limit = nonzero<int64_t>(node["pids"]["limit"]);
  read_block_io(node["blockIO"], resources);
  read_huge_pages(node["hugepageLimits"], resources);
  read_network(node["network"], resources);
  read_rdma(node["rdma"], resources);
  read_unified(node["unified"], resources);
}

void add_rule(const Node& node, std::vector<runtime::DeviceRule>& rules) {
  node.know({"allow", "type", "major", "minor", "access"});
  runtime::DeviceRule rule;
  std::string type = node["type"].text();
  if (type.size() > 1 || (!type.empty() && std::string("abcu").find(type) == std::string::npos)) {
    return node["type"].wrong("expected a, b or c");
  }
  rule.type = type.empty() ? 'a' : type == "u" ? 'c' : type[0];
  rule.major = node["major"].maybe<int64_t>().value_or(-1);
  rule.minor = node["minor"].maybe<int64_t>().value_or(-1);
  rule.allow = node["allow"].flag();
  std::string access = node["access"].text();
  if (access.find_first_not_of("rwm") != std::string::npos) return node["access"].wrong("expected r, w and m");
  rule.access = access.empty() ? "rwm" : access;
  bool everything = rule.major < 0 && rule.minor < 0 && rule.access.size() == 3;
  if (rule.type == 'a' && !everything) return node.wrong("a rule for all types is one for all devices and accesses");
  // What all may do makes every rule before it void.
  if (rule.type == 'a') rules.clear();
  rules.push_back(std::move(rule));
}

}  // namespace

std::string cgroup_path(const std::string& path, const std::string& id) {
  size_t start = path.find_first_not_of('/');
  if (start == std::string::npos) return "berth-oci/" + id;
  std::vector<std::string> parts = split(path, '/');
  std::erase_if(parts, [](const std::string& part) { return part.empty() || part == "."; });
  return join(parts, "/");
}

void add_resources(const Node& resources, runtime::ContainerSpec& spec) {
  read_limits(resources, spec.resources);
  for (const Node& rule : resources["devices"].items()) add_rule(rule, spec.bare->rules);
}

Result<Resources> read_resources(const std::string& text) {
  nlohmann::json document = nlohmann::json::parse(text, nullptr, false);
  if (document.is_discarded()) return make_error("the limits are not JSON");
  Complaints complaints;
  Resources resources;
  Node node(document, complaints);
  node["devices"].refuse("rules for devices cannot be changed while a container runs");
  read_limits(node, resources);
  BERTH_TRY_OK(complaints.status("limits"));
  return resources;
}

}  // namespace berth::oci
