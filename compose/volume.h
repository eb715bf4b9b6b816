#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "compose/model.h"

namespace berth::compose {

/// The short form `[source:]target[:options]`. The source is taken as written (relative paths stay so); one that starts
/// with `.`, `/` or `~` is a bind. `unknown_options` gets the options that mean nothing to anybody.
[[nodiscard]] Result<Mount> parse_mount(std::string_view text, std::vector<std::string>& unknown_options);

/// "/a/../b//" -> "/b": as path.Clean does, without looking at any file system.
[[nodiscard]] std::string clean_path(std::string_view path);

}  // namespace berth::compose
