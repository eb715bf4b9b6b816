#include "sys/signals.h"

#include <fmt/core.h>
#include <signal.h>
#include <sys/syscall.h>

#include <cstdlib>
#include <cstring>

#include "base/text.h"
#include "sys/file.h"

namespace berth::sys {
namespace {

constexpr int kLastSignal = 64;  // of Linux; SIGRTMAX of the libc is the same

/// "RTMIN+3": the libc keeps the first ones for itself, so the base is asked for.
std::optional<int> parse_realtime(const std::string& name) {
  bool from_min = name.rfind("rtmin", 0) == 0;
  if (!from_min && name.rfind("rtmax", 0) != 0) return std::nullopt;
  int base = from_min ? SIGRTMIN : SIGRTMAX;
  if (name.size() == 5) return base;
  if (name[5] != (from_min ? '+' : '-')) return std::nullopt;
  std::optional<unsigned long long> offset = parse_unsigned(std::string_view(name).substr(6));
  if (!offset || *offset > static_cast<unsigned>(SIGRTMAX - SIGRTMIN)) return std::nullopt;
  return from_min ? base + static_cast<int>(*offset) : base - static_cast<int>(*offset);
}

/// The value of a line of /proc/PID/status: "SigCgt" is "0000000000004002".
std::string status_field(const std::string& status, const std::string& name) {
  size_t at = status.find("\n" + name + ":");
  if (at == std::string::npos) return "";
  at += name.size() + 2;
  return std::string(trim(std::string_view(status).substr(at, status.find('\n', at) - at)));
}

/// While it sleeps in sigwait() a signal that it waits for is taken out of its blocked ones, and looks unhandled. True,
/// too, where the kernel does not tell what it sleeps in.
bool in_sigwait(pid_t pid) {
  constexpr long kOf32BitPrograms[] = {177, 421};  // numbers that no 64-bit program uses
  Result<std::string> call = read_file(fmt::format("/proc/{}/syscall", pid), 256);
  if (!call) return true;
  if (call->empty() || (*call)[0] < '0' || (*call)[0] > '9') return false;  // "running": not asleep in a call
  long number = std::strtol(call->c_str(), nullptr, 10);
  return number == SYS_rt_sigtimedwait || number == kOf32BitPrograms[0] || number == kOf32BitPrograms[1];
}

}  // namespace

bool drops_signal(pid_t pid, int signal) {
  Result<std::string> status = read_file(fmt::format("/proc/{}/status", pid), 16 << 10);
  if (!status) return false;
  auto has = [&](const char* field) {
    std::string mask = status_field(*status, field);
    return mask.empty() || ((std::strtoull(mask.c_str(), nullptr, 16) >> (signal - 1)) & 1) != 0;
  };
  // A blocked one is kept for later, and a tracer sees every one.
  if (status_field(*status, "TracerPid") != "0" || has("SigCgt") || has("SigBlk")) return false;
  std::string numbers = status_field(*status, "NSpid");  // in our namespace, ..., in its own
  bool first_of_namespace = numbers.ends_with("\t1");
  return (has("SigIgn") || first_of_namespace) && !in_sigwait(pid);
}

std::optional<int> parse_signal(std::string_view text) {
  if (std::optional<unsigned long long> number = parse_unsigned(text)) {
    if (*number < 1 || *number > kLastSignal) return std::nullopt;
    return static_cast<int>(*number);
  }
  std::string name = to_lower(text);
  if (name.rfind("sig", 0) == 0) name = name.substr(3);
  if (std::optional<int> realtime = parse_realtime(name)) return realtime;
  for (int signal = 1; signal < 32; ++signal) {
    const char* known = sigabbrev_np(signal);
    if (known != nullptr && to_lower(known) == name) return signal;
  }
  return std::nullopt;
}

std::string signal_name(int signal) {
  const char* name = sigabbrev_np(signal);
  return name != nullptr ? std::string("SIG") + name : "signal " + std::to_string(signal);
}

}  // namespace berth::sys
