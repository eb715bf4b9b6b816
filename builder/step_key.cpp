#include "builder/step_key.h"

#include <fmt/core.h>

#include "base/text.h"
#include "images/config_words.h"

namespace berth::builder {

StepKey::StepKey(const images::Digest& below, std::string_view kind) {
  hash_.update("berth build step 2\n");  // another number where the meaning of steps changes
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
  auto ports = images::parse_exposed_ports(word);
  if (!ports) return make_error(fmt::format("\"{}\": expected PORT[-PORT][/tcp|udp|sctp]", printable(word)));
  return *std::move(ports);
}

Result<Duration> go_duration(const std::string& text) {
  std::optional<Duration> duration = images::parse_go_duration(text);
  if (!duration) return make_error(fmt::format("\"{}\": expected a duration such as 30s or 1m30s", printable(text)));
  return *duration;
}

}  // namespace berth::builder
