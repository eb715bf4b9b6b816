#pragma once

#include <vector>

#include "engine/state.h"

namespace berth::cli {

/// The published ports of a container as Docker's engine binds them: one entry for each address family. Empty if it
/// does not run.
[[nodiscard]] std::vector<engine::PublishedPort> bindings(const engine::Container& container);

}  // namespace berth::cli
