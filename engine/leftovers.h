#pragma once

#include <string>
#include <vector>

#include "sys/paths.h"

namespace berth::engine {

/// Removes the state files that a writer which was killed has left half written. Returns the ids of containers that
/// have directories and had no record yet, or have none any more: they go by StateStore::remove_container(), after
/// their processes. Requires: nobody writes.
[[nodiscard]] std::vector<std::string> sweep_state(const sys::Paths& paths);

}  // namespace berth::engine
