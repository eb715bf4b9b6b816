#include <fmt/core.h>
#include <unistd.h>

#include <array>
#include <set>

#include "base/text.h"
#include "netns/ports.h"
#include "sys/file.h"

namespace berth::netns {
namespace {

/// Inodes of the sockets bound to this port, from one of /proc/net/{tcp,udp}{,6}: for TCP listeners only.
void collect_inodes(const std::string& table, uint16_t port, bool tcp, std::set<std::string>& inodes) {
  const auto text = sys::read_file("/proc/thread-self/net/" + table);
  if (!text.ok()) return;
  const std::string suffix = fmt::format(":{:04X}", port);
  for (const std::string& line : split(*text, '\n')) {
    // sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode
    std::vector<std::string> columns;
    for (std::string& word : split(trim(line), ' ')) {
      if (!word.empty()) columns.push_back(std::move(word));
    }
    if (columns.size() < 10 || !columns[1].ends_with(suffix)) continue;
    if (tcp && columns[3] != "0A") continue;  // TCP_LISTEN
    inodes.insert("socket:[" + columns[9] + "]");
  }
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
  const bool tcp = protocol == Protocol::tcp;
  std::set<std::string> inodes;
  for (const char* family : {"", "6"}) collect_inodes(std::string(tcp ? "tcp" : "udp") + family, port, tcp, inodes);
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
