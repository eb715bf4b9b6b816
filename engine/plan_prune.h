#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/plan.h"

namespace berth::engine {

/// `label=NAME`, `label=NAME=VALUE` or, not wanted, `label!=…`.
struct LabelFilter {
  std::string name;
  std::optional<std::string> value;  // nothing: any
  bool wanted = true;
};
[[nodiscard]] bool matches(const std::vector<LabelFilter>& filters, const Labels& labels);

struct PruneOptions {
  bool containers = true, networks = true;
  std::optional<int64_t> created_before_ns;  // only what is older
  std::vector<LabelFilter> labels;
};

/// Removes the project's containers that do not run, and then its networks that no container of any project is attached
/// to. Volumes stay, anonymous ones too.
[[nodiscard]] Plan plan_prune(const std::string& project, const Observed& observed, const PruneOptions& options);

}  // namespace berth::engine
