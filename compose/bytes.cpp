#include "compose/bytes.h"

#include <charconv>
#include <cmath>

#include "base/text.h"

namespace berth::compose {
namespace {

/// The factor of "k", "mb", "gib" ...; nothing for a unit that does not exist.
std::optional<double> unit_factor(std::string unit) {
  if (unit.empty() || unit == "b") return 1.0;
  size_t power = std::string_view("kmgtp").find(unit.front());
  if (power == std::string_view::npos) return std::nullopt;
  std::string_view rest = std::string_view(unit).substr(1);
  if (!rest.empty() && rest != "b" && rest != "ib") return std::nullopt;
  return std::pow(1024.0, static_cast<double>(power + 1));
}

}  // namespace

std::optional<int64_t> parse_bytes(std::string_view text) {
  if (text == "-1") return -1;
  size_t digits = text.find_first_not_of("0123456789.");
  std::string_view number = text.substr(0, digits);
  std::string_view unit = digits == std::string_view::npos ? std::string_view{} : text.substr(digits);
  if (number.empty() || number == "." || number.front() == '.') return std::nullopt;
  if (unit.starts_with(' ')) unit.remove_prefix(1);

  std::optional<double> factor = unit_factor(to_lower(unit));
  if (!factor) return std::nullopt;
  int64_t whole = 0;
  auto [whole_end, whole_error] = std::from_chars(number.data(), number.data() + number.size(), whole);
  if (whole_error == std::errc::result_out_of_range) return std::nullopt;
  if (*factor == 1.0 && whole_end == number.data() + number.size()) return whole;  // exact, also beyond 2^53

  double value = 0;
  auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value, std::chars_format::fixed);
  if (error != std::errc{} || end != number.data() + number.size()) return std::nullopt;
  value *= *factor;
  if (value >= 9223372036854775808.0) return std::nullopt;
  return static_cast<int64_t>(value);
}

}  // namespace berth::compose
