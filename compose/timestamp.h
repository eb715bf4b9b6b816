#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace berth::compose {

/// What go-yaml makes of a plain scalar that is a date or a time: the text that Go prints for it,
/// "2024-01-31 10:00:00.5 +0000 UTC". Nothing where the scalar is no time.
[[nodiscard]] std::optional<std::string> go_time_text(std::string_view text);

}  // namespace berth::compose
