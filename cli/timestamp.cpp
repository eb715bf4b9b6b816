#include "cli/timestamp.h"

#include <fmt/core.h>

#include <cmath>
#include <ctime>

#include "base/clock.h"
#include "base/text.h"
#include "compose/duration.h"

namespace berth::cli {
namespace {

/// ".123" as nanoseconds; takes it off the text.
int64_t take_fraction(std::string_view& text) {
  if (!text.starts_with('.')) return 0;
  size_t end = std::min(text.find_first_not_of("0123456789", 1), text.size());
  std::string digits(text.substr(1, end - 1));
  digits.resize(9, '0');
  text.remove_prefix(end);
  return static_cast<int64_t>(parse_unsigned(digits).value_or(0));
}

/// "+01:00" in seconds.
std::optional<int64_t> parse_offset(std::string_view text) {
  if (text == "Z" || text == "z") return 0;
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') return std::nullopt;
  auto hours = parse_unsigned(text.substr(1, 2)), minutes = parse_unsigned(text.substr(4, 2));
  if (!hours || !minutes) return std::nullopt;
  auto seconds = static_cast<int64_t>(*hours * 3600 + *minutes * 60);
  return text[0] == '-' ? -seconds : seconds;
}

/// The beginning of the text by strptime(3); takes it off.
bool take_time(std::string_view& text, const char* format, tm& parts) {
  std::string copy(text);
  parts = tm{};
  const char* end = strptime(copy.c_str(), format, &parts);
  if (end == nullptr) return false;
  text.remove_prefix(static_cast<size_t>(end - copy.c_str()));
  return true;
}

}  // namespace

std::optional<int64_t> parse_rfc3339(std::string_view text) {
  tm parts{};
  if (!take_time(text, "%Y-%m-%dT%H:%M:%S", parts)) return std::nullopt;
  int64_t fraction = take_fraction(text);
  std::optional<int64_t> offset = parse_offset(text);
  if (!offset) return std::nullopt;
  return (timegm(&parts) - *offset) * kSecondNs + fraction;
}

std::optional<int64_t> parse_moment(const std::string& text, int64_t now_ns) {
  if (auto exact = parse_rfc3339(text)) return exact;
  if (auto duration = compose::parse_duration(text); duration && !parse_unsigned(text))
    return now_ns - duration->count();
  std::string_view rest = text;
  size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  if (auto seconds = parse_unsigned(rest.substr(0, digits)); seconds && *seconds < INT64_MAX / kSecondNs) {
    rest.remove_prefix(digits);
    int64_t fraction = take_fraction(rest);
    if (rest.empty()) return static_cast<int64_t>(*seconds) * kSecondNs + fraction;
  }
  for (const char* format : {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"}) {
    rest = text;
    tm parts{};
    if (!take_time(rest, format, parts)) continue;
    int64_t fraction = take_fraction(rest);
    if (!rest.empty()) continue;
    parts.tm_isdst = -1;
    return mktime(&parts) * kSecondNs + fraction;
  }
  return std::nullopt;
}

Result<int64_t> moment_of(const char* flag, const std::string& text) {
  std::optional<int64_t> time_ns = parse_moment(text, wall_clock_ns());
  if (time_ns) return *time_ns;
  return make_error(fmt::format("{}: \"{}\" is no time", flag, printable(text)),
                    "write 2026-11-21T08:15:30, seconds since 1970, or how long ago: 10m");
}

std::string time_ago(std::string_view rfc3339, int64_t now_ns) {
  std::optional<int64_t> then = parse_rfc3339(rfc3339);
  return then ? human_duration(Duration(now_ns - *then)) + " ago" : "N/A";
}

}  // namespace berth::cli
