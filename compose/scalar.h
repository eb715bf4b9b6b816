#pragma once

#include <string_view>

#include "compose/tree.h"

namespace berth::compose {

/// Gives an unquoted scalar the kind that go-yaml gives it, so that a file means what it means to Docker Compose:
/// true/false but not yes/no, 0o17 and 017 octal, no base 60, dates as points in time. Sets kind and text only.
void resolve_plain(Tree& tree, std::string_view text);

/// A real as Go prints it by default ("%v"): 1.10 -> "1.1", 1.0 -> "1", 1000000.0 -> "1e+06".
[[nodiscard]] std::string go_float_text(double value);

}  // namespace berth::compose
