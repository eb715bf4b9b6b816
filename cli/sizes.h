#pragma once

#include <cstdint>
#include <string>

namespace berth::cli {

/// "105MB": decimal units and, unless said otherwise, three digits, as Docker shows sizes of images; four in sums.
[[nodiscard]] std::string size_text(uint64_t bytes, int digits = 3);

/// "105.5MiB": binary units and four digits, as Docker shows memory.
[[nodiscard]] std::string binary_size_text(uint64_t bytes);

}  // namespace berth::cli
