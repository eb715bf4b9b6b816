#include "images/config_words.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"

namespace berth::images {

std::optional<std::vector<std::string>> parse_exposed_ports(const std::string& word) {
  size_t slash = word.find('/');
  std::string protocol = slash == std::string::npos ? "tcp" : to_lower(word.substr(slash + 1));
  if (protocol != "tcp" && protocol != "udp" && protocol != "sctp") return std::nullopt;
  std::string range = word.substr(0, slash);
  size_t dash = range.find('-');
  auto first = parse_unsigned(range.substr(0, dash));
  auto last = dash == std::string::npos ? first : parse_unsigned(range.substr(dash + 1));
  if (!first || !last || *first == 0 || *last > 65535 || *first > *last) return std::nullopt;
  std::vector<std::string> ports;
  for (auto port = *first; port <= *last; ++port) ports.push_back(fmt::format("{}/{}", port, protocol));
  return ports;
}

std::optional<Duration> parse_go_duration(std::string_view text) {
  constexpr std::pair<std::string_view, double> kUnits[] = {{"ns", 1},  {"us", 1e3}, {"ms", 1e6},
                                                            {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}};
  double total = 0;
  if (text == "0") return Duration(0);
  if (text.empty()) return std::nullopt;
  while (!text.empty()) {
    size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
    size_t unit_end = std::min(text.find_first_of("0123456789.", digits), text.size());
    std::string number(text.substr(0, digits));
    std::string_view unit = text.substr(digits, unit_end - digits);
    auto known = std::find_if(std::begin(kUnits), std::end(kUnits), [&](const auto& one) { return one.first == unit; });
    bool good = known != std::end(kUnits) &&
                std::any_of(number.begin(), number.end(), [](char c) { return c != '.'; }) &&
                std::count(number.begin(), number.end(), '.') <= 1 && number.size() < 16;
    if (!good) return std::nullopt;
    total += std::stod(number) * known->second;
    text.remove_prefix(unit_end);
  }
  if (total > 9e18) return std::nullopt;
  return Duration(std::llround(total));
}

}  // namespace berth::images
