#include "base/clock.h"

#include <fmt/core.h>

#include <ctime>

namespace berth {
namespace {

/// A number of units with its fraction and without trailing zeros: 1500 ms in seconds is "1.5".
std::string fraction(int64_t value, int64_t unit) {
  std::string text = std::to_string(value / unit);
  int64_t rest = value % unit;
  if (rest == 0) return text;
  std::string digits;
  for (int64_t scale = unit / 10; rest != 0; scale /= 10) {
    digits += static_cast<char>('0' + rest / scale);
    rest %= scale;
  }
  return text + "." + digits;
}

}  // namespace

int64_t wall_clock_ns() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec * kSecondNs + now.tv_nsec;
}

std::string format_rfc3339(int64_t wall_ns) {
  time_t seconds = wall_ns / kSecondNs;
  tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, wall_ns % kSecondNs);
}

std::string format_duration(Duration duration) {
  int64_t ns = duration.count();
  if (ns == 0) return "0s";
  std::string sign;
  if (ns < 0) {
    sign = "-";
    ns = -ns;
  }
  if (ns < 1000) return sign + std::to_string(ns) + "ns";
  if (ns < 1'000'000) return sign + fraction(ns, 1000) + "µs";
  if (ns < kSecondNs) return sign + fraction(ns, 1'000'000) + "ms";
  int64_t hours = ns / (3600 * kSecondNs);
  int64_t minutes = ns / (60 * kSecondNs) % 60;
  std::string text = sign;
  if (hours > 0) text += std::to_string(hours) + "h";
  if (hours > 0 || minutes > 0) text += std::to_string(minutes) + "m";
  return text + fraction(ns % (60 * kSecondNs), kSecondNs) + "s";
}

std::string human_duration(Duration duration) {
  int64_t seconds = duration.count() / kSecondNs;
  int64_t minutes = seconds / 60;
  int64_t hours = (minutes + 30) / 60;
  if (seconds < 1) return "Less than a second";
  if (seconds == 1) return "1 second";
  if (seconds < 60) return fmt::format("{} seconds", seconds);
  if (minutes == 1) return "About a minute";
  if (minutes < 60) return fmt::format("{} minutes", minutes);
  if (hours == 1) return "About an hour";
  if (hours < 48) return fmt::format("{} hours", hours);
  if (hours < 24 * 7 * 2) return fmt::format("{} days", hours / 24);
  if (hours < 24 * 30 * 2) return fmt::format("{} weeks", hours / 24 / 7);
  if (hours < 24 * 365 * 2) return fmt::format("{} months", hours / 24 / 30);
  return fmt::format("{} years", hours / 24 / 365);
}

}  // namespace berth
