#include <fcntl.h>
#include <fmt/core.h>
#include <linux/nsfs.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <nlohmann/json.hpp>
#include <set>

#include "base/text.h"
#include "oci/config.h"
#include "runtime/seccomp_cache.h"
#include "runtime/seccomp_profile.h"
#include "sys/file.h"

namespace berth::oci {
namespace {

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

using runtime::NamespaceMode;

/// The namespace that the path names; -1 after a complaint.
int open_namespace(const Node& node, int kind, Config& config) {
  Result<sys::UniqueFd> fd = sys::open_file(node.text(), O_RDONLY);
  if (!fd) {
    node.wrong(fd.error().message());
    return -1;
  }
  if (ioctl(fd->get(), NS_GET_NSTYPE) != kind) {
    node.wrong(fmt::format("{} is not a namespace of that type", printable(node.text())));
    return -1;
  }
  config.namespaces.push_back(std::move(*fd));
  return config.namespaces.back().get();
}

/// Entering one's own user namespace is refused by the kernel, and needless.
bool is_ours(int fd) {
  struct stat theirs {
  }, ours{};
  return fstat(fd, &theirs) == 0 && stat("/proc/self/ns/user", &ours) == 0 && theirs.st_ino == ours.st_ino;
}

void add_network(const Node& path, Config& config) {
  if (path.empty()) {
    config.spec.bare->new_network = true;
  } else {
    config.netns = open_namespace(path, CLONE_NEWNET, config);
  }
}

void add_namespace(const Node& node, const std::string& type, Config& config) {
  struct Kind {
    const char* name;
    int flag;
    NamespaceMode runtime::ContainerSpec::*mode;
  };
  constexpr Kind kKinds[] = {{"pid", CLONE_NEWPID, &runtime::ContainerSpec::pid},
                             {"ipc", CLONE_NEWIPC, &runtime::ContainerSpec::ipc},
                             {"uts", CLONE_NEWUTS, &runtime::ContainerSpec::uts},
                             {"cgroup", CLONE_NEWCGROUP, &runtime::ContainerSpec::cgroup},
                             {"user", CLONE_NEWUSER, &runtime::ContainerSpec::user_ns},
                             {"time", CLONE_NEWTIME, &runtime::ContainerSpec::time_ns}};
  Node path = node["path"];
  if (type == "mount") return path.refuse("the mounts of another container cannot be shared");
  if (type == "network") return add_network(path, config);
  for (const Kind& kind : kKinds) {
    if (type != kind.name) continue;
    NamespaceMode& mode = config.spec.*kind.mode;
    mode = NamespaceMode::own();
    if (path.empty()) return;
    int fd = open_namespace(path, kind.flag, config);
    mode = kind.flag == CLONE_NEWUSER && is_ours(fd) ? NamespaceMode::host() : NamespaceMode::join(sys::FdRef(fd));
    return;
  }
  node["type"].wrong(fmt::format("unknown namespace \"{}\"", printable(type)));
}

uint64_t propagation_from(const Node& node) {
  std::string text = node.text();
  if (text.starts_with('r')) text.erase(0, 1);  // it is always meant for everything below
  if (text.empty()) return 0;
  if (text == "private") return MS_PRIVATE;
  if (text == "slave") return MS_SLAVE;
  if (text == "shared") return MS_SHARED;
  if (text == "unbindable") return MS_UNBINDABLE;
  node.wrong(fmt::format("unknown propagation \"{}\"", printable(text)));
  return 0;
}

std::optional<unsigned long> personality_from(const Node& node) {
  if (!node.present()) return std::nullopt;
  node.know({"domain", "flags"});
  node["flags"].refuse("the specification defines none");
  std::string domain = node["domain"].text();
  if (domain == "LINUX32") return PER_LINUX32;
  if (domain != "LINUX") node["domain"].wrong("expected LINUX or LINUX32");
  return PER_LINUX;
}

std::string time_offsets_from(const Node& node) {
  std::string text;
  for (const auto& [clock, offset] : node.entries()) {
    if (clock != "monotonic" && clock != "boottime") offset.wrong("expected monotonic or boottime");
    text += fmt::format("{} {} {}\n", clock, offset["secs"].number<int64_t>(), offset["nanosecs"].number<uint32_t>());
  }
  return text;
}

void add_device(const Node& node, runtime::ContainerSpec& spec) {
  node.know({"type", "path", "major", "minor", "fileMode", "uid", "gid"});
  runtime::DeviceNode device;
  device.path = node["path"].text();
  if (!device.path.starts_with('/')) node["path"].wrong("expected an absolute path");
  std::string type = node["type"].text();
  mode_t kind = type == "c" || type == "u" ? S_IFCHR : type == "b" ? S_IFBLK : type == "p" ? S_IFIFO : 0;
  if (kind == 0) node["type"].wrong("expected c, u, b or p");
  device.mode = kind | (node["fileMode"].maybe<mode_t>().value_or(0666) & 07777);
  if (kind != S_IFIFO) device.device = makedev(node["major"].number<unsigned>(), node["minor"].number<unsigned>());
  device.uid = node["uid"].number<uint32_t>();
  device.gid = node["gid"].number<uint32_t>();
  spec.bare->devices.push_back(std::move(device));
}

runtime::SeccompProfile::Rule rule_from(const Node& node) {
  node.know({"names", "action", "errnoRet", "args"});
  runtime::SeccompProfile::Rule rule{
      node["names"].texts(), node["action"].text(), node["errnoRet"].maybe<uint32_t>(), {}};
  for (const Node& arg : node["args"].items()) {
    rule.conditions.push_back({arg["index"].number<unsigned>(), arg["op"].text(), arg["value"].number<uint64_t>(),
                               arg["valueTwo"].number<uint64_t>()});
  }
  return rule;
}

unsigned flags_from(const Node& list) {
  unsigned flags = 0;
  for (const Node& item : list.items()) {
    std::string name = item.text();
    if (name == "SECCOMP_FILTER_FLAG_TSYNC")
      flags |= SECCOMP_FILTER_FLAG_TSYNC;
    else if (name == "SECCOMP_FILTER_FLAG_LOG")
      flags |= SECCOMP_FILTER_FLAG_LOG;
    else if (name == "SECCOMP_FILTER_FLAG_SPEC_ALLOW")
      flags |= SECCOMP_FILTER_FLAG_SPEC_ALLOW;
    else
      item.wrong(fmt::format("flag \"{}\" is not supported", printable(name)));
  }
  return flags;
}

}  // namespace

std::vector<runtime::IdMap> id_map_from(const Node& list) {
  std::vector<runtime::IdMap> map;
  for (const Node& item : list.items()) {
    item.know({"containerID", "hostID", "size"});
    map.push_back(
        {item["containerID"].number<uint32_t>(), item["hostID"].number<uint32_t>(), item["size"].number<uint32_t>()});
  }
  return map;
}

void add_namespaces(const Node& linux_part, Config& config) {
  runtime::ContainerSpec& spec = config.spec;
  for (NamespaceMode* mode : {&spec.pid, &spec.ipc, &spec.uts, &spec.cgroup}) *mode = NamespaceMode::host();
  std::set<std::string> seen;
  for (const Node& node : linux_part["namespaces"].items()) {
    node.know({"type", "path"});
    std::string type = node["type"].text();
    if (!seen.insert(type).second) node["type"].wrong("is there twice");
    add_namespace(node, type, config);
  }
  if (seen.count("mount") == 0)
    linux_part["namespaces"].wrong("a container without a mount namespace is not supported");
  spec.uid_map = id_map_from(linux_part["uidMappings"]);
  spec.gid_map = id_map_from(linux_part["gidMappings"]);
  bool own_user = spec.user_ns.kind == NamespaceMode::Kind::own;
  if (own_user && spec.uid_map.empty()) linux_part["uidMappings"].wrong("a user namespace needs them");
  if (own_user && spec.gid_map.empty()) linux_part["gidMappings"].wrong("a user namespace needs them");
  if (seen.count("user") == 0) linux_part["uidMappings"].refuse("there is no user namespace to map for");
  spec.time_offsets = time_offsets_from(linux_part["timeOffsets"]);
  if (spec.time_ns.kind != NamespaceMode::Kind::own) {
    linux_part["timeOffsets"].refuse("there is no time namespace of the container's own");
  }
}

void add_devices(const Node& devices, runtime::ContainerSpec& spec) {
  for (const Node& device : devices.items()) add_device(device, spec);
}

void add_seccomp(const Node& seccomp, runtime::ContainerSpec& spec, const std::string& cache) {
  spec.seccomp = runtime::SeccompMode::unconfined;
  if (!seccomp.present()) return;
  seccomp.know(
      {"defaultAction", "defaultErrnoRet", "architectures", "flags", "listenerPath", "listenerMetadata", "syscalls"});
  seccomp["listenerPath"].refuse("nobody is told of system calls");
  seccomp["listenerMetadata"].refuse("nobody is told of system calls");
  runtime::SeccompProfile profile;
  profile.default_action = seccomp["defaultAction"].text();
  profile.default_error = seccomp["defaultErrnoRet"].maybe<uint32_t>();
  profile.architectures = seccomp["architectures"].texts();
  for (const Node& rule : seccomp["syscalls"].items()) profile.rules.push_back(rule_from(rule));
  spec.seccomp_flags = flags_from(seccomp["flags"]);
  Result<std::vector<sock_filter>> program =
      runtime::cached_program(cache, seccomp.json().dump(), [&] { return runtime::compile_profile(profile); });
  if (!program)
    return seccomp.wrong(program.error().message() + (program.error().hint.empty() ? "" : ": ") + program.error().hint);
  spec.seccomp = runtime::SeccompMode::program;
  spec.seccomp_program = std::make_shared<const std::vector<sock_filter>>(std::move(*program));
}

void add_linux(const Node& linux_part, Config& config, const std::string& cache) {
  linux_part.know({"namespaces", "uidMappings", "gidMappings", "timeOffsets", "devices", "netDevices", "cgroupsPath",
                   "resources", "intelRdt", "memoryPolicy", "sysctl", "seccomp", "rootfsPropagation", "maskedPaths",
                   "readonlyPaths", "mountLabel", "personality"});
  linux_part["netDevices"].refuse("interfaces are not moved");
  linux_part["intelRdt"].refuse("caches are not divided");
  linux_part["memoryPolicy"].refuse("memory comes from where the control group lets it");
  linux_part["mountLabel"].refuse("mounts are not labelled");
  runtime::ContainerSpec& spec = config.spec;
  spec.bare->root_propagation = propagation_from(linux_part["rootfsPropagation"]);
  add_namespaces(linux_part, config);
  add_devices(linux_part["devices"], spec);
  spec.cgroup_path = cgroup_path(linux_part["cgroupsPath"].text(), spec.id);
  add_resources(linux_part["resources"], spec);
  spec.sysctls = linux_part["sysctl"].text_map();
  spec.masked_paths = linux_part["maskedPaths"].texts();
  spec.read_only_paths = linux_part["readonlyPaths"].texts();
  spec.process->personality = personality_from(linux_part["personality"]);
  add_seccomp(linux_part["seccomp"], spec, cache);
}

}  // namespace berth::oci
