#include "sys/pidfd.h"

#include <fmt/core.h>
#include <linux/types.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"
#include "sys/file.h"

namespace berth::sys {
namespace {

// PIDFD_GET_INFO as of Linux 6.15 (linux/pidfd.h); Debian 12's headers are older.
struct PidfdInfo {
  uint64_t mask;
  uint64_t cgroupid;
  uint32_t pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
  int32_t exit_code;
};
constexpr uint64_t kPidfdInfoExit = 1 << 3;
constexpr unsigned long kPidfdGetInfo = _IOWR(0xFF, 11, PidfdInfo);

}  // namespace

Result<Pidfd> Pidfd::open(pid_t pid) {
  long fd = syscall(SYS_pidfd_open, pid, 0);
  if (fd < 0) return sys_error(fmt::format("pidfd_open {}", pid), errno);
  return Pidfd(UniqueFd(static_cast<int>(fd)));
}

Result<pid_t> Pidfd::pid() const {
  BERTH_TRY(std::string info, read_file(fmt::format("/proc/self/fdinfo/{}", fd_.get()), 4096));
  constexpr std::string_view kKey = "Pid:\t";
  for (const std::string& line : split(info, '\n')) {
    if (!line.starts_with(kKey)) continue;
    std::optional<unsigned long long> pid = parse_unsigned(std::string_view(line).substr(kKey.size()));
    if (pid && *pid != 0) return static_cast<pid_t>(*pid);  // -1: gone; 0: not in our namespace
  }
  return sys_error("find the process of a pidfd", ESRCH);
}

Status Pidfd::signal(int signal) const {
  if (syscall(SYS_pidfd_send_signal, fd_.get(), signal, nullptr, 0) == 0 || errno == ESRCH) return {};
  return sys_error(fmt::format("send signal {}", signal), errno);
}

bool Pidfd::exited() const {
  return wait_exit(0);
}

bool Pidfd::wait_exit(int timeout_ms) const {
  pollfd poller{.fd = fd_.get(), .events = POLLIN, .revents = 0};
  int n;
  do {
    n = poll(&poller, 1, timeout_ms);
  } while (n < 0 && errno == EINTR);
  return n > 0;
}

Result<std::optional<int>> Pidfd::exit_status() const {
  PidfdInfo info{};
  info.mask = kPidfdInfoExit;
  if (ioctl(fd_.get(), kPidfdGetInfo, &info) != 0) return sys_error("PIDFD_GET_INFO", errno);
  return (info.mask & kPidfdInfoExit) == 0 ? std::nullopt : std::optional<int>(info.exit_code);
}

Result<ProcessIdentity> identify(pid_t pid) {
  Result<std::string> stat = read_file(fmt::format("/proc/{}/stat", pid), 4096);
  if (!stat) return sys_error(fmt::format("read /proc/{}/stat", pid), ESRCH);
  // Field 2 is the command in parentheses and may hold anything, so count from the last ')'.
  size_t paren = stat->rfind(')');
  if (paren == std::string::npos) return make_error(fmt::format("/proc/{}/stat is not understood", pid));
  std::vector<std::string> fields = split(std::string_view(*stat).substr(paren + 2), ' ');
  constexpr size_t kStartTime = 22 - 3;
  if (fields.size() <= kStartTime) return make_error(fmt::format("/proc/{}/stat is too short", pid));
  return ProcessIdentity{pid, parse_unsigned(fields[kStartTime]).value_or(0)};
}

Result<Pidfd> open_identified(const ProcessIdentity& identity) {
  BERTH_TRY(Pidfd handle, Pidfd::open(identity.pid));
  // Read after the handle is open: if the number was reused before, the start time tells.
  BERTH_TRY(ProcessIdentity now, identify(identity.pid));
  if (now != identity) return sys_error(fmt::format("process {}", identity.pid), ESRCH);
  return handle;
}

std::string boot_id() {
  static const std::string kId(trim(read_file("/proc/sys/kernel/random/boot_id").value_or("unknown")));
  return kId;
}

}  // namespace berth::sys
