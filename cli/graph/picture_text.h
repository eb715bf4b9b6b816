#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace berth::cli::graph {

// What names and paths have to go through before they stand in a picture: they come from files that anybody may have
// written.

/// printable(), and UTF-8 whatever it was: bytes that are none, characters that XML forbids and those that turn the
/// direction of writing around have become U+FFFD.
[[nodiscard]] std::string clean(std::string_view text);

/// At most so many columns of a terminal of what is clean already, with "..." at the end if there was more.
[[nodiscard]] std::string shortened(const std::string& text, size_t columns);

}  // namespace berth::cli::graph
