#include <fmt/core.h>
#include <sys/mount.h>

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "oci/config.h"

namespace berth::oci {
namespace {

#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000  // Linux 5.14
#endif

struct AttributeWord {
  const char* name;
  uint64_t set, clear;
};

/// mount(8)'s words for attributes of a mount; with an "r" in front for everything below as well.
constexpr AttributeWord kAttributes[] = {
    {"ro", MOUNT_ATTR_RDONLY, 0},
    {"rw", 0, MOUNT_ATTR_RDONLY},
    {"nosuid", MOUNT_ATTR_NOSUID, 0},
    {"suid", 0, MOUNT_ATTR_NOSUID},
    {"nodev", MOUNT_ATTR_NODEV, 0},
    {"dev", 0, MOUNT_ATTR_NODEV},
    {"noexec", MOUNT_ATTR_NOEXEC, 0},
    {"exec", 0, MOUNT_ATTR_NOEXEC},
    {"nodiratime", MOUNT_ATTR_NODIRATIME, 0},
    {"diratime", 0, MOUNT_ATTR_NODIRATIME},
    {"nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0},
    {"symfollow", 0, MOUNT_ATTR_NOSYMFOLLOW},
    // Times of access are one choice of three: whoever sets one clears the others.
    {"noatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME},
    {"strictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME},
    {"relatime", 0, MOUNT_ATTR__ATIME},
    {"atime", 0, MOUNT_ATTR__ATIME},
    {"norelatime", 0, MOUNT_ATTR__ATIME},
    {"nostrictatime", 0, MOUNT_ATTR__ATIME},
};

struct PropagationWord {
  const char* name;
  uint64_t type;
};
constexpr PropagationWord kPropagations[] = {
    {"private", MS_PRIVATE}, {"shared", MS_SHARED}, {"slave", MS_SLAVE}, {"unbindable", MS_UNBINDABLE}};

/// Words without an effect on this kernel, or that say what is so anyway.
constexpr const char* kIdle[] = {"defaults", "async", "loud", "silent", "nomand", "nolazytime", "noiversion"};

bool apply_attribute(std::string_view option, runtime::RawMount& mount) {
  for (const AttributeWord& word : kAttributes) {
    bool below = option.starts_with('r') && option.substr(1) == word.name;
    if (option != word.name && !below) continue;
    uint64_t& set = below ? mount.set_below : mount.set;
    uint64_t& clear = below ? mount.clear_below : mount.clear;
    // A later word wins. The kernel wants the whole choice of times cleared where one is set.
    set = (set & ~word.clear) | word.set;
    clear = (clear & ~word.set) | word.clear;
    if ((word.clear & MOUNT_ATTR__ATIME) != 0) clear |= MOUNT_ATTR__ATIME;
    return true;
  }
  return false;
}

bool apply_propagation(std::string_view option, runtime::RawMount& mount) {
  for (const PropagationWord& word : kPropagations) {
    bool recursive = option.starts_with('r') && option.substr(1) == word.name;
    if (option != word.name && !recursive) continue;
    mount.propagation = word.type;
    mount.propagation_recursive = recursive;
    return true;
  }
  return false;
}

void apply_data(const Node& node, const std::string& option, bool bind, runtime::RawMount& mount) {
  if (bind) return node.wrong(fmt::format("a bind mount has no option \"{}\"", printable(option)));
  size_t equals = option.find('=');
  std::string value = equals == std::string::npos ? "" : option.substr(equals + 1);
  mount.options.emplace_back(option.substr(0, equals), value);
}

void apply_option(const Node& node, bool bind, bool& mapped, runtime::RawMount& mount) {
  std::string option = node.text();
  if (option.empty() || option == "bind" || option == "rbind") return;
  if (apply_attribute(option, mount) || apply_propagation(option, mount)) return;
  if (std::find(std::begin(kIdle), std::end(kIdle), option) != std::end(kIdle)) return;
  if (option == "tmpcopyup" && mount.type == "tmpfs") {
    mount.copy_up = true;
  } else if (option == "idmap" || option == "ridmap") {
    mapped = true;
    mount.map_recursive = option == "ridmap";
  } else if (option == "remount") {
    node.wrong("not supported: there is nothing to mount again");
  } else {
    apply_data(node, option, bind, mount);
  }
}

void map_ids(const Node& node, bool mapped, bool bind, const runtime::ContainerSpec& spec, runtime::RawMount& mount) {
  mount.uid_map = id_map_from(node["uidMappings"]);
  mount.gid_map = id_map_from(node["gidMappings"]);
  if (mapped && mount.uid_map.empty() && mount.gid_map.empty()) {
    mount.uid_map = spec.uid_map;
    mount.gid_map = spec.gid_map;
    if (mount.uid_map.empty()) node["options"].wrong("idmap needs uidMappings and gidMappings, here or in /linux");
  }
  if (mount.uid_map.empty() != mount.gid_map.empty()) node.wrong("uidMappings and gidMappings go together");
  if (!mount.uid_map.empty() && !bind) node["uidMappings"].refuse("ids can be mapped in bind mounts only");
}

/// As the copy of a root that follows the host, shares with it, or does not.
void inherit_propagation(const runtime::ContainerSpec& spec, runtime::RawMount& mount) {
  uint64_t root = spec.bare->root_propagation;
  if (root == MS_SHARED) return;
  mount.propagation = root == 0 || root == MS_SLAVE ? MS_SLAVE : MS_PRIVATE;
  mount.propagation_recursive = true;
}

void add_mount(const Node& node, runtime::ContainerSpec& spec, const std::string& bundle) {
  node.know({"destination", "type", "source", "options", "uidMappings", "gidMappings"});
  runtime::RawMount mount;
  mount.target = node["destination"].text();
  if (mount.target.empty()) return node["destination"].wrong("expected a path");
  if (!mount.target.starts_with('/')) mount.target = "/" + mount.target;
  mount.type = node["type"].text();
  mount.source = node["source"].text();
  std::vector<Node> options = node["options"].items();
  auto has = [&](const char* name) {
    return std::any_of(options.begin(), options.end(), [&](const Node& option) { return option.text() == name; });
  };
  mount.recursive = has("rbind");
  bool bind = mount.type == "bind" || mount.recursive || has("bind");
  if (bind) {
    mount.type = "bind";
    if (mount.source.empty()) return node["source"].wrong("a bind mount needs a source");
    if (!mount.source.starts_with('/')) mount.source = bundle + "/" + mount.source;
    inherit_propagation(spec, mount);
  } else if (mount.type.empty()) {
    return node["type"].wrong("expected a file system");
  }
  bool mapped = false;
  for (const Node& option : options) apply_option(option, bind, mapped, mount);
  map_ids(node, mapped, bind, spec, mount);
  if (mount.type == "cgroup2") mount.type = "cgroup";
  if (mount.type == "cgroup") {
    if (!mount.options.empty()) node["options"].refuse("the container's own control groups have no options");
    mount.source.clear();
  }
  spec.mounts.emplace_back(std::move(mount));
}

}  // namespace

void add_mounts(const Node& mounts, runtime::ContainerSpec& spec, const std::string& bundle) {
  for (const Node& mount : mounts.items()) add_mount(mount, spec, bundle);
}

}  // namespace berth::oci
