#pragma once

#include <string>

#include "sys/paths.h"

namespace berth::cli {

/// The control group of keeper and supervisor, made if it is missing. "" where they stay in the group of whoever starts
/// them: systemd ends all that is in the group of a service or session that ends, and nobody else does so.
[[nodiscard]] std::string make_helpers_group(const sys::Paths& paths);

/// Requires: the helpers have left. Where they were killed it stays until they come and go again.
void remove_helpers_group(const sys::Paths& paths);

}  // namespace berth::cli
