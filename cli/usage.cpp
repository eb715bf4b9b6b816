#include "cli/usage.h"

#include <fmt/core.h>
#include <sys/sysinfo.h>

#include <ctime>

#include "base/text.h"
#include "engine/run_spec.h"
#include "sys/file.h"

namespace berth::cli {
namespace {

int64_t monotonic_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

/// Adds up /proc/PID/net/dev, whose lines are "eth0: RECEIVED 7 more SENT 7 more", in PID's network namespace.
void read_network(pid_t pid, Usage& usage) {
  constexpr size_t kReceived = 0, kSent = 8;
  std::string text = sys::read_file(fmt::format("/proc/{}/net/dev", pid), 1 << 20).value_or("");
  for (const std::string& line : split(text, '\n')) {
    size_t colon = line.find(':');
    if (colon == std::string::npos || trim(line.substr(0, colon)) == "lo") continue;
    std::vector<std::string> numbers = split(line.substr(colon + 1), ' ');
    std::erase(numbers, "");
    if (numbers.size() <= kSent) continue;
    usage.received_bytes += parse_unsigned(numbers[kReceived]).value_or(0);
    usage.sent_bytes += parse_unsigned(numbers[kSent]).value_or(0);
  }
}

}  // namespace

UsageReader::UsageReader(sys::Paths paths, runtime::CgroupMounts mounts)
    : paths_(std::move(paths)), mounts_(std::move(mounts)) {
  struct sysinfo info {};
  sysinfo(&info);
  machine_memory_ = uint64_t{info.totalram} * info.mem_unit;
}

Result<UsageReader> UsageReader::make(const Context& context) {
  BERTH_TRY(runtime::CgroupMounts mounts, runtime::CgroupMounts::discover());
  return UsageReader(context.paths, std::move(mounts));
}

Usage UsageReader::read(const engine::Container& container) const {
  Usage usage;
  usage.at_ns = monotonic_ns();
  if (!container.live.alive()) return usage;
  // Whatever cannot be read belongs to a container that is just ending.
  Result<runtime::Cgroup> group = runtime::Cgroup::open(mounts_, engine::cgroup_path(paths_, container.record));
  if (!group) return usage;
  if (Result<runtime::CgroupStats> stats = group->stats()) usage.group = *stats;
  if (container.record.config.network_mode != "host") read_network(container.live.process.pid, usage);
  return usage;
}

}  // namespace berth::cli
