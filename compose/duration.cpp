#include "compose/duration.h"

#include <charconv>
#include <cstdint>

namespace berth::compose {
namespace {

struct Unit {
  std::string_view name;
  double nanoseconds;
};

// Two-letter units first, so that "ms" is not minutes followed by seconds.
constexpr Unit kUnits[] = {
    {"ns", 1},  {"us", 1e3}, {"\xC2\xB5s", 1e3}, {"\xCE\xBCs", 1e3}, {"ms", 1e6},
    {"s", 1e9}, {"m", 60e9}, {"h", 3600e9},      {"d", 86400e9},     {"w", 604800e9},
};

const Unit* unit_at(std::string_view text) {
  for (const Unit& unit : kUnits) {
    if (text.starts_with(unit.name)) return &unit;
  }
  return nullptr;
}

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
  if (text == "0") return Duration{0};
  if (text.empty()) return std::nullopt;
  double total = 0;
  while (!text.empty()) {
    size_t digits = text.find_first_not_of("0123456789.");
    if (digits == 0 || digits == std::string_view::npos) return std::nullopt;
    double value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + digits, value, std::chars_format::fixed);
    if (error != std::errc{} || end != text.data() + digits) return std::nullopt;
    text.remove_prefix(digits);
    const Unit* unit = unit_at(text);
    if (unit == nullptr) return std::nullopt;
    total += value * unit->nanoseconds;
    if (total >= static_cast<double>(INT64_MAX)) return std::nullopt;
    text.remove_prefix(unit->name.size());
  }
  return Duration{static_cast<int64_t>(total + 0.5)};
}

}  // namespace berth::compose
