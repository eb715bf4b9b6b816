#include "builder/step_key.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "base/text.h"

namespace berth::builder {

StepKey::StepKey(const images::Digest& below, std::string_view kind) {
  hash_.update("berth build step 1\n");  // another number where the meaning of steps changes
  add(below.str());
  add(kind);
}

StepKey& StepKey::add(std::string_view part) {
  hash_.update(fmt::format("{}:", part.size()));
  hash_.update(part);
  return *this;
}

StepKey& StepKey::add(const std::vector<std::string>& parts) {
  hash_.update(fmt::format("[{}]", parts.size()));
  for (const std::string& part : parts) add(part);
  return *this;
}

Result<std::vector<std::string>> exposed_ports(const std::string& word) {
  size_t slash = word.find('/');
  std::string protocol = slash == std::string::npos ? "tcp" : to_lower(word.substr(slash + 1));
  std::string range = word.substr(0, slash);
  size_t dash = range.find('-');
  auto first = parse_unsigned(range.substr(0, dash));
  auto last = dash == std::string::npos ? first : parse_unsigned(range.substr(dash + 1));
  bool good = first && last && *first >= 1 && *first <= *last && *last <= 65535 &&
              (protocol == "tcp" || protocol == "udp" || protocol == "sctp");
  if (!good) return make_error(fmt::format("\"{}\": expected PORT[-PORT][/tcp|udp|sctp]", printable(word)));
  std::vector<std::string> ports;
  for (unsigned long long port = *first; port <= *last; ++port) ports.push_back(fmt::format("{}/{}", port, protocol));
  return ports;
}

Result<Duration> go_duration(const std::string& text) {
  constexpr std::pair<std::string_view, double> kUnits[] = {{"ns", 1},  {"us", 1e3}, {"ms", 1e6},
                                                            {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}};
  Error wrong = make_error(fmt::format("\"{}\": expected a duration such as 30s or 1m30s", printable(text)));
  if (text == "0") return Duration(0);
  double total = 0;
  std::string_view rest = text;
  if (rest.empty()) return wrong;
  while (!rest.empty()) {
    size_t digits = std::min(rest.find_first_not_of("0123456789."), rest.size());
    size_t unit_end = std::min(rest.find_first_of("0123456789.", digits), rest.size());
    std::string number(rest.substr(0, digits));
    std::string_view unit = rest.substr(digits, unit_end - digits);
    auto known = std::find_if(std::begin(kUnits), std::end(kUnits), [&](const auto& one) { return one.first == unit; });
    bool good = known != std::end(kUnits) && !number.empty() && number != "." && number.size() < 16 &&
                number.find('.') == number.rfind('.');
    if (!good) return wrong;
    total += std::stod(number) * known->second;
    rest.remove_prefix(unit_end);
  }
  if (total > 9e18) return wrong;
  return Duration(std::llround(total));
}

}  // namespace berth::builder
