#pragma once

#include <string>
#include <vector>

#include "base/diagnostics.h"
#include "compose/model.h"
#include "engine/config.h"

namespace berth::engine {

/// What these services of the project (in start order, dependencies first) need, with the networks and volumes they
/// use, or with `all_resources` all that there are. Pure but for secrets and configs from the project's environment.
/// What the runtime cannot do is an error at its place. Services that providers run are no part of it.
[[nodiscard]] Stack lower(const compose::Project& project, const std::vector<std::string>& services,
                          Diagnostics& diagnostics, bool all_resources = false);

}  // namespace berth::engine
