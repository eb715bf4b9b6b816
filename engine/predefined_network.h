#pragma once

// The networks that are always there: bridge, host and none. For host and none there is nothing to be made; the bridge
// exists while a running container is on it.

#include <string>

#include "engine/state.h"

namespace berth::engine {

inline constexpr const char* kDefaultBridge = "bridge";

[[nodiscard]] bool is_predefined(const std::string& name);

/// The record of one that is not on record, with an id that is always the same for one state root.
[[nodiscard]] NetworkRecord predefined_record(const sys::Paths& paths, const std::string& name);

}  // namespace berth::engine
