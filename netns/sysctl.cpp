#include "netns/sysctl.h"

#include <cerrno>

#include "sys/file.h"

namespace berth::netns {

Status write_interface_sysctl(const std::string& family, const std::string& interface, const std::string& key,
                              const std::string& value) {
  return write_net_sysctl(family + "/conf/" + interface + "/" + key, value);
}

Status write_net_sysctl(const std::string& path, const std::string& value) {
  // /proc/sys/net shows the namespace of the thread that looks.
  Status written = sys::write_existing("/proc/sys/net/" + path, value);
  if (!written.ok() && written.error().code == ENOENT) return {};
  return written;
}

Status set_ipv6_sysctls(const std::string& interface, bool enabled) {
  if (!enabled) return write_interface_sysctl("ipv6", interface, "disable_ipv6", "1");
  BERTH_TRY_OK(write_interface_sysctl("ipv6", interface, "accept_ra", "0"));
  BERTH_TRY_OK(write_interface_sysctl("ipv6", interface, "accept_dad", "0"));
  return write_interface_sysctl("ipv6", interface, "disable_ipv6", "0");
}

Status enable_ipv4_forwarding() {
  const auto present = sys::read_file("/proc/sys/net/ipv4/ip_forward");
  if (present.ok() && present->starts_with("1")) return {};
  return write_net_sysctl("ipv4/ip_forward", "1");
}

Status enable_ipv6_forwarding() {
  const std::string conf = "/proc/sys/net/ipv6/conf/";
  const auto starts_with = [&](const std::string& path, const char* value) {
    const auto present = sys::read_file(conf + path);
    return present.ok() && present->starts_with(value);
  };
  if (starts_with("all/forwarding", "1")) return {};
  // 1 is "unless forwarding", 2 is "even then". `default` is for interfaces to come.
  for (const std::string& interface : sys::list_dir(conf).value_or({})) {
    if (interface != "all" && starts_with(interface + "/accept_ra", "1")) {
      BERTH_TRY_OK(write_interface_sysctl("ipv6", interface, "accept_ra", "2"));
    }
  }
  return write_interface_sysctl("ipv6", "all", "forwarding", "1");
}

}  // namespace berth::netns
