#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace berth::dockerfile {

/// Shell patterns of parameter expansion: `*`, `?`, and `\` before a character that stands for itself.

/// Length of the shortest or longest beginning of the text that the pattern matches.
[[nodiscard]] std::optional<size_t> match_prefix(std::string_view pattern, std::string_view text, bool longest);
/// The same from the end.
[[nodiscard]] std::optional<size_t> match_suffix(std::string_view pattern, std::string_view text, bool longest);
/// The text with the leftmost longest match replaced, or all of them.
[[nodiscard]] std::string replace_matches(std::string_view pattern, std::string_view text, std::string_view replacement,
                                          bool all);

}  // namespace berth::dockerfile
