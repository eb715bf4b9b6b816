#pragma once

#include <string>
#include <vector>

namespace berth::cli {

/// Rows under a header, columns padded to their longest cell by two spaces and more. Control characters in cells are
/// shown, not sent.
[[nodiscard]] std::string render_table(const std::vector<std::string>& header,
                                       const std::vector<std::vector<std::string>>& rows);

/// Columns that the text takes on a terminal.
[[nodiscard]] size_t display_width(const std::string& text);

}  // namespace berth::cli
