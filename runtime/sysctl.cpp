#include "runtime/sysctl.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"

namespace berth::runtime {
namespace {

constexpr std::string_view kNameCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./";

bool starts_with_any(const std::string& name, std::initializer_list<std::string_view> prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](std::string_view prefix) { return name.starts_with(prefix); });
}

/// The namespace that a setting belongs to, or nothing for those of the whole machine.
std::optional<std::string_view> owner(const std::string& path) {
  if (path.starts_with("net/")) return "network";
  if (starts_with_any(path, {"kernel/shm", "kernel/msg", "fs/mqueue/"}) || path == "kernel/sem") return "ipc";
  return std::nullopt;
}

Result<std::string> path_of(const std::string& name) {
  bool odd = name.empty() || name.find_first_not_of(kNameCharacters) != std::string::npos;
  if (odd || name.find("..") != std::string::npos || name.find("//") != std::string::npos || name.front() == '/') {
    return make_error(fmt::format("sysctl name \"{}\" is not valid", printable(name)));
  }
  // sysctl(8): with a slash as separator, dots are part of a name (an interface eth0.100).
  std::string path = name;
  if (path.find('/') == std::string::npos) std::replace(path.begin(), path.end(), '.', '/');
  return path;
}

}  // namespace

Result<std::vector<std::pair<std::string, std::string>>> plan_sysctls(const ContainerSpec& spec, bool own_network) {
  std::vector<std::pair<std::string, std::string>> result;
  if (own_network && !spec.bare) {
    // As Docker: no privileged ports and ping without CAP_NET_RAW in a network of one's own.
    result.emplace_back("sys/net/ipv4/ip_unprivileged_port_start", "0");
    result.emplace_back("sys/net/ipv4/ping_group_range", "0 2147483647");
  }
  for (const auto& [name, value] : spec.sysctls) {
    BERTH_TRY(std::string path, path_of(name));
    std::optional<std::string_view> space = owner(path);
    if (!space) {
      return make_error(
          fmt::format("sysctl {} is not confined to the container", name),
          "set it on the host; inside only net.*, kernel.shm*, kernel.msg*, kernel.sem and fs.mqueue.* can be set");
    }
    // A namespace that is shared on purpose may be set up by those who share it.
    bool joined = spec.bare && spec.ipc.kind == NamespaceMode::Kind::join;
    bool own = *space == "network" ? own_network || (spec.bare && spec.bare->new_network)
                                   : spec.ipc.kind == NamespaceMode::Kind::own || joined;
    if (!own) {
      return make_error(fmt::format("sysctl {} needs a {} namespace of the container's own", name, *space));
    }
    if (value.find_first_of(std::string_view("\n\r+\0", 4)) != std::string::npos) {
      return make_error(fmt::format("value \"{}\" of sysctl {} is not valid", printable(value), name));
    }
    result.emplace_back("sys/" + path, value);
  }
  return result;
}

}  // namespace berth::runtime
