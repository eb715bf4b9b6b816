#include "netns/legacy_tables.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <linux/netfilter.h>
#include <linux/netfilter/xt_mark.h>
#include <linux/netfilter_ipv4/ip_tables.h>

#include <cstring>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "sys/fd.h"
#include "sys/file.h"

namespace berth::netns {
namespace {

constexpr const char* kTable = "filter";

bool table_exists() {
  // Asking for a table that is not there would make it.
  const std::string names = sys::read_file("/proc/thread-self/net/ip_tables_names", 1 << 12).value_or("");
  for (const std::string& name : split(names, '\n')) {
    if (name == kTable) return true;
  }
  return false;
}

/// A structure of the kernel at `offset`, if it is wholly inside.
template <class T>
bool read_at(const std::vector<uint8_t>& bytes, size_t offset, T& out) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof out) return false;
  std::memcpy(&out, bytes.data() + offset, sizeof out);
  return true;
}

/// Does the entry at `offset` look for the mark?
bool wants_mark(const std::vector<uint8_t>& bytes, size_t offset, const ipt_entry& entry, uint32_t mark) {
  size_t at = offset + sizeof entry;
  xt_entry_match match{};
  xt_mark_mtinfo1 info{};
  while (at < offset + entry.target_offset && read_at(bytes, at, match)) {
    const std::string_view name(match.u.user.name, strnlen(match.u.user.name, sizeof match.u.user.name));
    if (name == "mark" && read_at(bytes, at + sizeof match, info) && info.mask == mark && info.mark == mark)
      return true;
    if (match.u.match_size < sizeof match) return false;
    at += match.u.match_size;
  }
  return false;
}

int verdict_of(const std::vector<uint8_t>& bytes, size_t offset, const ipt_entry& entry) {
  xt_standard_target target{};
  const bool standard = read_at(bytes, offset + entry.target_offset, target) && target.target.u.user.name[0] == '\0';
  return standard ? target.verdict : 0;
}

}  // namespace

bool legacy_tables_drop_forwarded(uint32_t mark) {
  if (!table_exists()) return false;
  const sys::UniqueFd fd(socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW));
  ipt_getinfo info{};
  std::strncpy(info.name, kTable, sizeof info.name - 1);
  socklen_t size = sizeof info;
  if (getsockopt(fd.get(), IPPROTO_IP, IPT_SO_GET_INFO, &info, &size) != 0) return false;
  std::vector<uint8_t> answer(sizeof(ipt_get_entries) + info.size);
  ipt_get_entries request{};
  std::strncpy(request.name, kTable, sizeof request.name - 1);
  request.size = info.size;
  std::memcpy(answer.data(), &request, sizeof request);
  size = static_cast<socklen_t>(answer.size());
  if (getsockopt(fd.get(), IPPROTO_IP, IPT_SO_GET_ENTRIES, answer.data(), &size) != 0) return false;
  answer.erase(answer.begin(), answer.begin() + sizeof request);
  // The rules of FORWARD lie between these two places; at the second is its policy.
  const size_t policy = info.underflow[NF_INET_FORWARD];
  constexpr int kAccept = -NF_ACCEPT - 1, kDrop = -NF_DROP - 1;
  ipt_entry entry{};
  for (size_t at = info.hook_entry[NF_INET_FORWARD]; at < policy && read_at(answer, at, entry);
       at += entry.next_offset) {
    if (entry.next_offset < sizeof entry) return false;
    if (wants_mark(answer, at, entry, mark) && verdict_of(answer, at, entry) == kAccept) return false;
  }
  return read_at(answer, policy, entry) && verdict_of(answer, policy, entry) == kDrop;
}

}  // namespace berth::netns
