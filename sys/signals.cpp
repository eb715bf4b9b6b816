#include "sys/signals.h"

#include <signal.h>

#include <cstring>

#include "base/text.h"

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

}  // namespace

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
