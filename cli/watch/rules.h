#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/context.h"
#include "compose/develop.h"
#include "watch/rule.h"

namespace berth::cli {

/// The `develop.watch` sections of some services, understood.
struct WatchRules {
  std::vector<watch::Rule> rules;
  std::vector<compose::WatchRule> written;  // the same ones as the file has them
};

/// Those of the named services (none: of all that are enabled). What cannot be watched is said with its place; what is
/// a bind mount in the container anyway is left out, with a warning if `warn`. Nothing where a rule asks for what
/// cannot be, or where there is no rule.
[[nodiscard]] std::optional<WatchRules> watch_rules(const Context& context, const compose::Project& project,
                                                    const std::vector<std::string>& services, bool warn);

[[nodiscard]] bool is_watched(const compose::Service& service);
/// Whether any of these services is.
[[nodiscard]] bool is_watchable(const compose::Project& project, const std::vector<std::string>& services);

}  // namespace berth::cli
