#include "runtime/devices.h"

#include <fmt/core.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cerrno>
#include <set>

#include "base/text.h"
#include "sys/file.h"

namespace berth::runtime {
namespace {

constexpr size_t kMaxDepth = 8;  // of directories below a device path

std::string number_or_star(int64_t number) {
  return number < 0 ? "*" : std::to_string(number);
}

std::optional<int64_t> parse_number(std::string_view text) {
  if (text == "*") return -1;
  std::optional<unsigned long long> number = parse_unsigned(text);
  if (!number || *number > 0xFFFFF'FFFFULL) return std::nullopt;
  return static_cast<int64_t>(*number);
}

PlannedDevice node(const char* path, unsigned int major_number, unsigned int minor_number) {
  return PlannedDevice{path, S_IFCHR | 0666, makedev(major_number, minor_number), 0, 0};
}

/// Adds the node at `host_path`, or all nodes below it.
Status collect(const std::string& host_path, const std::string& container_path, size_t depth,
               std::vector<PlannedDevice>& nodes) {
  struct stat info {};
  if (stat(host_path.c_str(), &info) != 0) return sys_error("device " + printable(host_path), errno);
  if (S_ISCHR(info.st_mode) || S_ISBLK(info.st_mode)) {
    nodes.push_back({container_path, info.st_mode, info.st_rdev, info.st_uid, info.st_gid});
    return {};
  }
  if (!S_ISDIR(info.st_mode)) {
    if (depth > 0) return {};  // sockets and links beside the nodes
    return make_error(fmt::format("{} is not a device", printable(host_path)));
  }
  if (depth == kMaxDepth) return {};
  BERTH_TRY(std::vector<std::string> names, sys::list_dir(host_path));
  for (const std::string& name : names) {
    Status below = collect(host_path + "/" + name, container_path + "/" + name, depth + 1, nodes);
    if (!below && below.error().code != ENOENT) return below;  // a dangling link, or gone meanwhile
  }
  return {};
}

/// Below the host's /dev, what a container has of its own is left out.
Status collect_all(std::vector<PlannedDevice>& nodes) {
  static const std::set<std::string> kOwn = {"pts",  "shm", "fd",     "mqueue",  "console", "ptmx",   "null",   "zero",
                                             "full", "tty", "random", "urandom", "stdin",   "stdout", "stderr", "core"};
  BERTH_TRY(std::vector<std::string> names, sys::list_dir("/dev"));
  for (const std::string& name : names) {
    if (kOwn.count(name) != 0) continue;
    Status below = collect("/dev/" + name, "/dev/" + name, 1, nodes);
    if (!below && below.error().code != ENOENT) return below;
  }
  return {};
}

}  // namespace

std::string render_device_rule(const DeviceRule& rule) {
  return fmt::format("{} {}:{} {}", rule.type, number_or_star(rule.major), number_or_star(rule.minor), rule.access);
}

Result<DeviceRule> parse_device_rule(const std::string& text) {
  Error wrong = make_error(fmt::format("device rule \"{}\" is not of the form \"c 1:3 rwm\"", printable(text)));
  std::vector<std::string> parts = split(text, ' ');
  if (parts.size() != 3 || parts[0].size() != 1 || std::string("abc").find(parts[0]) == std::string::npos) return wrong;
  std::vector<std::string> numbers = split(parts[1], ':');
  if (numbers.size() != 2) return wrong;
  std::optional<int64_t> major_number = parse_number(numbers[0]);
  std::optional<int64_t> minor_number = parse_number(numbers[1]);
  const std::string& access = parts[2];
  if (!major_number || !minor_number || access.empty() || access.size() > 3 ||
      access.find_first_not_of("rwm") != std::string::npos) {
    return wrong;
  }
  return DeviceRule{parts[0][0], *major_number, *minor_number, access, true};
}

std::vector<PlannedDevice> default_devices() {
  return {node("/dev/null", 1, 3),   node("/dev/zero", 1, 5),    node("/dev/full", 1, 7),
          node("/dev/random", 1, 8), node("/dev/urandom", 1, 9), node("/dev/tty", 5, 0)};
}

std::vector<DeviceRule> default_device_rules() {
  return {{'c', -1, -1, "m", true}, {'b', -1, -1, "m", true}, {'c', 1, 3, "rwm", true},   {'c', 1, 5, "rwm", true},
          {'c', 1, 7, "rwm", true}, {'c', 1, 8, "rwm", true}, {'c', 1, 9, "rwm", true},   {'c', 5, 0, "rwm", true},
          {'c', 5, 1, "rwm", true}, {'c', 5, 2, "rwm", true}, {'c', 136, -1, "rwm", true}};
}

namespace {

/// A list that is complete but for the default devices, which everybody has.
Devices plan_bare_devices(const ContainerSpec::Bare& bare) {
  Devices devices{default_devices(), bare.rules};
  for (const DeviceRule& rule : default_device_rules()) devices.rules.push_back(rule);
  for (const DeviceNode& wanted : bare.devices) {
    std::erase_if(devices.nodes, [&](const PlannedDevice& known) { return known.path == wanted.path; });
    devices.nodes.push_back({wanted.path, wanted.mode, wanted.device, wanted.uid, wanted.gid});
  }
  return devices;
}

}  // namespace

Result<Devices> plan_devices(const ContainerSpec& spec) {
  if (spec.bare) return plan_bare_devices(*spec.bare);
  Devices devices{default_devices(), default_device_rules()};
  if (spec.privileged) {
    BERTH_TRY_OK(collect_all(devices.nodes));
    devices.rules.clear();
  }
  for (const DeviceSpec& wanted : spec.devices) {
    std::vector<PlannedDevice> nodes;
    const std::string& inside = wanted.container_path.empty() ? wanted.host_path : wanted.container_path;
    BERTH_TRY_OK(collect(wanted.host_path, inside, 0, nodes));
    for (PlannedDevice& entry : nodes) {
      if (!spec.privileged) {
        char type = S_ISBLK(entry.mode) ? 'b' : 'c';
        devices.rules.push_back({type, major(entry.device), minor(entry.device), wanted.permissions, true});
      }
      devices.nodes.push_back(std::move(entry));
    }
  }
  if (spec.privileged) return devices;
  for (const std::string& text : spec.device_cgroup_rules) {
    BERTH_TRY(DeviceRule rule, parse_device_rule(text));
    devices.rules.push_back(std::move(rule));
  }
  return devices;
}

}  // namespace berth::runtime
