#include "cli/list_filter.h"

#include <fmt/core.h>

#include <algorithm>
#include <regex>

#include "base/text.h"

namespace berth::cli {

bool ListFilter::matches(const engine::Labels& its_labels,
                         const std::function<bool(const std::string&, const std::string&)>& holds) const {
  return engine::matches(labels, its_labels) && std::all_of(values.begin(), values.end(), [&](const auto& entry) {
           return std::any_of(entry.second.begin(), entry.second.end(),
                              [&](const std::string& value) { return holds(entry.first, value); });
         });
}

Result<ListFilter> parse_list_filter(const std::vector<std::string>& filters, const std::vector<std::string>& keys) {
  ListFilter filter;
  for (const std::string& text : filters) {
    const size_t equals = text.find('=');
    const std::string key = text.substr(0, equals);
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
      std::optional<std::string> near = nearest(key, keys);
      return make_error(fmt::format("invalid filter '{}'", printable(key)),
                        near ? "did you mean \"" + *near + "\"?" : "expected one of " + join(keys, ", "));
    }
    const std::string value = equals == std::string::npos ? "" : text.substr(equals + 1);
    if (key == "dangling" && value != "true" && value != "false" && value != "1" && value != "0")
      return make_error(fmt::format("invalid filter: 'dangling'='{}'", printable(value)), "expected true or false");
    if (key != "label") {
      filter.values[key].push_back(value);
      continue;
    }
    const size_t second = value.find('=');
    std::optional<std::string> wanted;
    if (second != std::string::npos) wanted = value.substr(second + 1);
    filter.labels.push_back({value.substr(0, second), std::move(wanted), true});
  }
  return filter;
}

bool name_matches(const std::string& name, const std::string& pattern) {
  if (name == pattern || "/" + name == pattern) return true;
  try {
    return std::regex_search(name, std::regex(pattern.starts_with("^/") ? "^" + pattern.substr(2) : pattern));
  } catch (const std::regex_error&) {
    return false;
  }
}

bool means_true(const std::string& value) {
  return value == "true" || value == "1";
}

}  // namespace berth::cli
