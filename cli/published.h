#pragma once

#include <string>
#include <vector>

#include "engine/state.h"

namespace berth::cli {

/// The published ports of a container as Docker's engine binds them: one entry for each address family. Empty if it
/// does not run.
[[nodiscard]] std::vector<engine::PublishedPort> bindings(const engine::Container& container);

/// Where it is on the host: "0.0.0.0:8080", "[::1]:8080".
[[nodiscard]] std::string host_address(const engine::PublishedPort& port);

}  // namespace berth::cli
