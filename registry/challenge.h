#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace berth::registry {

/// One way in that a WWW-Authenticate header offers (RFC 9110, section 11).
struct Challenge {
  std::string scheme;                             // "basic", "bearer", in lower case
  std::map<std::string, std::string> parameters;  // names in lower case

  /// Empty if the parameter is missing.
  [[nodiscard]] std::string parameter(const std::string& name) const;
};

/// All challenges of a header in their order. What is no challenge is passed over: the header comes from outside, and
/// one good challenge in it is enough.
[[nodiscard]] std::vector<Challenge> parse_challenges(std::string_view header);

}  // namespace berth::registry
