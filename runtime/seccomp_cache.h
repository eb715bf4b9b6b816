#pragma once

#include <linux/filter.h>

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace berth::runtime {

/// The program of a profile whose text is `profile`: from `dir`, or compiled and kept there. Compiling takes longer
/// than all the rest of a start, and callers come with the same profile each time. A cache that cannot be read or
/// written costs time, nothing else. `dir` holds nothing else; "" = no cache.
[[nodiscard]] Result<std::vector<sock_filter>> cached_program(
    const std::string& dir, const std::string& profile,
    const std::function<Result<std::vector<sock_filter>>()>& compile);

}  // namespace berth::runtime
