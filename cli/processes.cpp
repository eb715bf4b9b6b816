#include "cli/processes.h"

#include <fmt/core.h>
#include <pwd.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>

#include "base/clock.h"
#include "base/text.h"
#include "engine/run_spec.h"
#include "runtime/cgroup.h"
#include "sys/file.h"

namespace berth::cli {
namespace {

std::string user_name(uid_t uid) {
  std::string buffer(16 << 10, '\0');
  passwd entry{};
  passwd* found = nullptr;
  if (getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) return found->pw_name;
  return std::to_string(uid);
}

/// tty_nr of proc(5). Containers have pseudo-terminals (major 136 to 143) or none.
std::string terminal_name(unsigned number) {
  constexpr unsigned kFirstPts = 136, kLastPts = 143, kMinors = 256;
  unsigned type = major(number);
  if (type < kFirstPts || type > kLastPts) return "?";
  return fmt::format("pts/{}", (type - kFirstPts) * kMinors + minor(number));
}

std::string start_text(int64_t start_ns, int64_t now_ns) {
  time_t start = start_ns / kSecondNs, now = now_ns / kSecondNs;
  tm then{}, today{};
  localtime_r(&start, &then);
  localtime_r(&now, &today);
  bool same_day = then.tm_year == today.tm_year && then.tm_yday == today.tm_yday;
  char text[16];
  size_t size = strftime(text, sizeof text, same_day ? "%H:%M" : "%b%d", &then);
  return {text, size};
}

/// The fields of /proc/PID/stat behind the name, which may hold anything: [0] is field 3, the state.
std::vector<std::string> stat_fields(const std::string& stat) {
  size_t end = stat.rfind(')');
  return end == std::string::npos ? std::vector<std::string>() : split(trim(stat.substr(end + 1)), ' ');
}

std::string command_of(const std::string& directory, const std::string& stat) {
  std::string command = sys::read_file(directory + "/cmdline", 64 << 10).value_or("");
  while (!command.empty() && command.back() == '\0') command.pop_back();
  std::replace(command.begin(), command.end(), '\0', ' ');
  if (!command.empty()) return command;
  size_t open = stat.find('('), close = stat.rfind(')');
  return close == std::string::npos ? "?" : "[" + stat.substr(open + 1, close - open - 1) + "]";
}

/// The effective user, from /proc/PID/status: the directory's owner is root for a process that cannot be dumped.
uid_t effective_user(const std::string& directory) {
  std::string status = sys::read_file(directory + "/status", 16 << 10).value_or("");
  size_t line = status.find("\nUid:\t");
  if (line == std::string::npos) return 0;
  std::vector<std::string> uids = split(status.substr(line + 6, status.find('\n', line + 1) - line - 6), '\t');
  return uids.size() < 2 ? 0 : static_cast<uid_t>(parse_unsigned(uids[1]).value_or(0));
}

std::optional<Process> read_process(pid_t pid, int64_t now_ns) {
  std::string directory = fmt::format("/proc/{}", pid);
  Result<std::string> stat = sys::read_file(directory + "/stat", 4096);
  if (!stat) return std::nullopt;
  std::vector<std::string> fields = stat_fields(*stat);
  constexpr size_t kParent = 1, kTerminal = 4, kUserTime = 11, kSystemTime = 12, kStart = 19;
  if (fields.size() <= kStart) return std::nullopt;
  auto number = [&](size_t field) { return static_cast<int64_t>(parse_unsigned(fields[field]).value_or(0)); };
  int64_t ticks = sysconf(_SC_CLK_TCK);
  int64_t cpu = (number(kUserTime) + number(kSystemTime)) / ticks;
  timespec boot{};
  clock_gettime(CLOCK_BOOTTIME, &boot);
  int64_t age = std::max<int64_t>(boot.tv_sec - number(kStart) / ticks, 0);
  Process process;
  process.pid = pid;
  process.parent = static_cast<pid_t>(number(kParent));
  process.user = user_name(effective_user(directory));
  process.cpu_percent = age == 0 ? 0 : cpu * 100 / age;
  process.started = start_text(now_ns - age * kSecondNs, now_ns);
  process.terminal = terminal_name(static_cast<unsigned>(number(kTerminal)));
  process.cpu_time = fmt::format("{:02}:{:02}:{:02}", cpu / 3600, cpu / 60 % 60, cpu % 60);
  process.command = command_of(directory, *stat);
  return process;
}

}  // namespace

Result<std::vector<Process>> processes_of(const Context& context, const engine::Container& container) {
  BERTH_TRY(runtime::CgroupMounts mounts, runtime::CgroupMounts::discover());
  BERTH_TRY(runtime::Cgroup group, runtime::Cgroup::open(mounts, engine::cgroup_path(context.paths, container.record)));
  BERTH_TRY(std::vector<pid_t> pids, group.processes());
  std::sort(pids.begin(), pids.end());
  std::vector<Process> processes;
  for (pid_t pid : pids) {
    if (std::optional<Process> process = read_process(pid, wall_clock_ns())) processes.push_back(std::move(*process));
  }
  return processes;
}

}  // namespace berth::cli
