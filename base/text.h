#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth {

[[nodiscard]] std::vector<std::string> split(std::string_view text, char separator);
[[nodiscard]] std::string join(const std::vector<std::string>& parts, std::string_view separator);
[[nodiscard]] std::string_view trim(std::string_view text);
[[nodiscard]] std::string to_lower(std::string_view text);

/// Number of single-character edits (insert, delete, replace, swap of neighbours) between two words.
[[nodiscard]] size_t edit_distance(std::string_view a, std::string_view b);

/// The candidate nearest to `word`, or nothing where none is near enough to be what was meant.
[[nodiscard]] std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates);

/// The text with control characters (C0 but tab, DEL, C1, ESC) shown as \xNN, so that names and labels from files
/// and images cannot act on a terminal.
[[nodiscard]] std::string printable(std::string_view text);

/// Decimal digits only, no sign, no spaces; nothing on overflow.
[[nodiscard]] std::optional<unsigned long long> parse_unsigned(std::string_view text);

/// Lower-case hexadecimal of the bytes.
[[nodiscard]] std::string to_hex(std::string_view bytes);

}  // namespace berth
