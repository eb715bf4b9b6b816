#include <fmt/core.h>
#include <unistd.h>

#include <array>
#include <set>
#include <vector>

#include "base/text.h"
#include "netns/ports.h"
#include "sys/file.h"

namespace berth::netns {
namespace {

/// Where a table of /proc/net keeps what this is about, counted in columns.
struct Table {
  std::vector<std::string> files;
  size_t port, inode;
};

Table table_of(Protocol protocol) {
  // sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode
  if (protocol == Protocol::tcp) return {{"tcp", "tcp6"}, 1, 9};
  if (protocol == Protocol::udp) return {{"udp", "udp6"}, 1, 9};
  // ENDPT SOCK STY SST HBKT LPORT UID INODE LADDRS
  return {{"sctp/eps"}, 5, 7};
}

/// Inodes of the sockets bound to this port; of TCP, listeners only.
std::set<std::string> bound_sockets(Protocol protocol, uint16_t port) {
  const Table table = table_of(protocol);
  const std::string end = protocol == Protocol::sctp ? fmt::format("{}", port) : fmt::format(":{:04X}", port);
  std::set<std::string> inodes;
  for (const std::string& file : table.files) {
    for (const std::string& line : split(sys::read_file("/proc/thread-self/net/" + file).value_or(""), '\n')) {
      std::vector<std::string> columns;
      for (std::string& word : split(trim(line), ' ')) {
        if (!word.empty()) columns.push_back(std::move(word));
      }
      if (columns.size() <= table.inode) continue;
      const std::string& place = columns[table.port];
      if (protocol == Protocol::sctp ? place != end : !place.ends_with(end)) continue;
      if (protocol == Protocol::tcp && columns[3] != "0A") continue;  // TCP_LISTEN
      inodes.insert("socket:[" + columns[table.inode] + "]");
    }
  }
  return inodes;
}

bool holds_one_of(const std::string& fd_dir, const std::set<std::string>& inodes) {
  const auto names = sys::list_dir(fd_dir);
  if (!names.ok()) return false;
  for (const std::string& name : *names) {
    std::array<char, 64> target{};
    const ssize_t size = readlink((fd_dir + "/" + name).c_str(), target.data(), target.size());
    if (size > 0 && inodes.contains(std::string(target.data(), static_cast<size_t>(size)))) return true;
  }
  return false;
}

}  // namespace

std::string find_port_holder(Protocol protocol, uint16_t port) {
  const std::set<std::string> inodes = bound_sockets(protocol, port);
  const auto processes = sys::list_dir("/proc");
  if (inodes.empty() || !processes.ok()) return "";
  for (const std::string& pid : *processes) {
    if (!parse_unsigned(pid) || !holds_one_of("/proc/" + pid + "/fd", inodes)) continue;
    const auto command = sys::read_file("/proc/" + pid + "/comm");
    const std::string name = command.ok() ? printable(trim(*command)) : "a process";
    return fmt::format("{} (pid {})", name, pid);
  }
  return "";
}

}  // namespace berth::netns
