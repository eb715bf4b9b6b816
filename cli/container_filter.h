#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/context.h"
#include "cli/list_filter.h"
#include "engine/state.h"
#include "images/store.h"

namespace berth::cli {

/// `container ls --filter`.
class ContainerFilter {
 public:
  /// Looks up the containers and images that filters name. Error: an unknown key or one without sense, or no such
  /// container. Requires: `observed` outlives it.
  [[nodiscard]] static Result<ContainerFilter> parse(const std::vector<std::string>& filters, const Context& context,
                                                     const engine::Observed& observed);

  [[nodiscard]] bool matches(const engine::Container& container) const;
  /// They name statuses, so all containers are meant and not just those that run.
  [[nodiscard]] bool asks_for_status() const { return filter_.values.contains("status"); }

 private:
  [[nodiscard]] bool holds(const engine::Container& container, const std::string& key, const std::string& value) const;
  [[nodiscard]] bool descends_from_any(const engine::ContainerRecord& record) const;

  const engine::Observed* observed_ = nullptr;
  ListFilter filter_;
  std::vector<images::Image> ancestors_;
  std::optional<int64_t> before_ns_, since_ns_;
};

}  // namespace berth::cli
