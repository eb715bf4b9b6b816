#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace berth::runtime {

/// A set of Linux capabilities, one bit per number of linux/capability.h.
using CapMask = uint64_t;

/// The fourteen that Docker gives a container unless told otherwise (runtime default of moby).
[[nodiscard]] CapMask default_caps();

/// All that this kernel knows and this process may hand on: its own bounding set.
[[nodiscard]] Result<CapMask> all_caps();

/// One name: "NET_ADMIN", "cap_net_admin", any case. Error names the nearest known one.
[[nodiscard]] Result<CapMask> parse_cap(std::string_view name);

/// Compose's cap_add and cap_drop on top of the default set (or of all when privileged); "ALL" in either list is
/// applied first, then single names, and dropping wins.
[[nodiscard]] Result<CapMask> resolve_caps(const std::vector<std::string>& add, const std::vector<std::string>& drop,
                                           bool privileged, CapMask all);

/// Names without "CAP_", by number, joined with commas: for messages and tests.
[[nodiscard]] std::string render_caps(CapMask caps);

}  // namespace berth::runtime
