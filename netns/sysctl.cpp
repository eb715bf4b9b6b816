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

Status enable_forwarding() {
  const auto present = sys::read_file("/proc/sys/net/ipv4/ip_forward");
  if (present.ok() && present->starts_with("1")) return {};
  return write_net_sysctl("ipv4/ip_forward", "1");
}

}  // namespace berth::netns
