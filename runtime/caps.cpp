#include "runtime/caps.h"

#include <fmt/core.h>
#include <linux/capability.h>
#include <sys/prctl.h>

#include <array>
#include <cerrno>

#include "base/text.h"

namespace berth::runtime {
namespace {

// By number, linux/capability.h.
constexpr std::array<std::string_view, CAP_LAST_CAP + 1> kNames = {"CHOWN",
                                                                   "DAC_OVERRIDE",
                                                                   "DAC_READ_SEARCH",
                                                                   "FOWNER",
                                                                   "FSETID",
                                                                   "KILL",
                                                                   "SETGID",
                                                                   "SETUID",
                                                                   "SETPCAP",
                                                                   "LINUX_IMMUTABLE",
                                                                   "NET_BIND_SERVICE",
                                                                   "NET_BROADCAST",
                                                                   "NET_ADMIN",
                                                                   "NET_RAW",
                                                                   "IPC_LOCK",
                                                                   "IPC_OWNER",
                                                                   "SYS_MODULE",
                                                                   "SYS_RAWIO",
                                                                   "SYS_CHROOT",
                                                                   "SYS_PTRACE",
                                                                   "SYS_PACCT",
                                                                   "SYS_ADMIN",
                                                                   "SYS_BOOT",
                                                                   "SYS_NICE",
                                                                   "SYS_RESOURCE",
                                                                   "SYS_TIME",
                                                                   "SYS_TTY_CONFIG",
                                                                   "MKNOD",
                                                                   "LEASE",
                                                                   "AUDIT_WRITE",
                                                                   "AUDIT_CONTROL",
                                                                   "SETFCAP",
                                                                   "MAC_OVERRIDE",
                                                                   "MAC_ADMIN",
                                                                   "SYSLOG",
                                                                   "WAKE_ALARM",
                                                                   "BLOCK_SUSPEND",
                                                                   "AUDIT_READ",
                                                                   "PERFMON",
                                                                   "BPF",
                                                                   "CHECKPOINT_RESTORE"};

constexpr CapMask bit(unsigned cap) {
  return CapMask{1} << cap;
}

std::string upper(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return result;
}

bool is_all(std::string_view name) {
  return upper(name) == "ALL";
}

}  // namespace

CapMask default_caps() {
  return bit(CAP_CHOWN) | bit(CAP_DAC_OVERRIDE) | bit(CAP_FSETID) | bit(CAP_FOWNER) | bit(CAP_MKNOD) |
         bit(CAP_NET_RAW) | bit(CAP_SETGID) | bit(CAP_SETUID) | bit(CAP_SETFCAP) | bit(CAP_SETPCAP) |
         bit(CAP_NET_BIND_SERVICE) | bit(CAP_SYS_CHROOT) | bit(CAP_KILL) | bit(CAP_AUDIT_WRITE);
}

Result<CapMask> all_caps() {
  CapMask caps = 0;
  for (unsigned cap = 0; cap < 64; ++cap) {
    int has = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);
    if (has < 0) break;  // beyond the last that this kernel knows
    if (has == 1) caps |= bit(cap);
  }
  return caps;
}

Result<CapMask> parse_cap(std::string_view name) {
  std::string wanted = upper(name);
  if (wanted.starts_with("CAP_")) wanted.erase(0, 4);
  for (unsigned cap = 0; cap < kNames.size(); ++cap) {
    if (kNames[cap] == wanted) return bit(cap);
  }
  std::vector<std::string> known(kNames.begin(), kNames.end());
  std::optional<std::string> near = nearest(wanted, known);
  return make_error(fmt::format("unknown capability \"{}\"", printable(name)),
                    near ? fmt::format("did you mean {}?", *near) : "");
}

Result<CapMask> resolve_caps(const std::vector<std::string>& add, const std::vector<std::string>& drop, bool privileged,
                             CapMask all) {
  CapMask caps = privileged ? all : default_caps();
  for (const std::string& name : add) {
    if (is_all(name)) caps = all;
  }
  for (const std::string& name : drop) {
    if (is_all(name)) caps = 0;
  }
  for (const std::string& name : add) {
    if (is_all(name)) continue;
    BERTH_TRY(CapMask one, parse_cap(name));
    caps |= one;
  }
  for (const std::string& name : drop) {
    if (is_all(name)) continue;
    BERTH_TRY(CapMask one, parse_cap(name));
    caps &= ~one;
  }
  return caps & all;
}

std::string render_caps(CapMask caps) {
  std::vector<std::string> names;
  for (unsigned cap = 0; cap < 64; ++cap) {
    if ((caps & bit(cap)) == 0) continue;
    names.push_back(cap < kNames.size() ? std::string(kNames[cap]) : fmt::format("{}", cap));
  }
  return join(names, ",");
}

}  // namespace berth::runtime
