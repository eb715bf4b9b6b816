#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/plan_prune.h"

namespace berth::cli {

/// `--filter KEY=VALUE` of the `ls` commands: of each key one value must hold, of labels all.
struct ListFilter {
  std::map<std::string, std::vector<std::string>> values;  // all but labels
  std::vector<engine::LabelFilter> labels;

  /// `holds(key, value)` tells about the object with these labels.
  [[nodiscard]] bool matches(const engine::Labels& its_labels,
                             const std::function<bool(const std::string&, const std::string&)>& holds) const;
};

/// Error: a key that is not among `keys` (with the nearest), `dangling` that is neither true nor false.
[[nodiscard]] Result<ListFilter> parse_list_filter(const std::vector<std::string>& filters,
                                                   const std::vector<std::string>& keys);

/// As Docker's filters for names: the name itself, or a regular expression that is found in it.
[[nodiscard]] bool name_matches(const std::string& name, const std::string& pattern);

/// Whether the value of a filter means yes.
[[nodiscard]] bool means_true(const std::string& value);

}  // namespace berth::cli
