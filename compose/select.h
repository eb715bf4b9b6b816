#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "compose/model.h"

namespace berth::compose {

enum class Follow {
  none,          // the named ones only (--no-deps)
  dependencies,  // and what they need (up, create, run)
  dependents,    // and what needs them (stop, down)
};

/// The enabled services meant by names on the command line, in start order; no names = all.
/// Error: a name that is no service ("no such service: wbe", with the nearest as hint) or whose profile is not active.
[[nodiscard]] Result<std::vector<std::string>> select_services(const Project& project,
                                                               const std::vector<std::string>& names, Follow follow);

/// Keys of the networks, volumes, secrets and configs that these services use.
struct UsedResources {
  std::vector<std::string> networks, volumes, secrets, configs;
};
[[nodiscard]] UsedResources used_resources(const Project& project, const std::vector<std::string>& services);

}  // namespace berth::compose
