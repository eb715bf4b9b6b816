#pragma once

#include <cstdint>
#include <string>

namespace berth::cli {

/// "105MB": decimal units and, unless said otherwise, three digits, as Docker shows sizes of images; four in sums.
[[nodiscard]] std::string size_text(uint64_t bytes, int digits = 3);

}  // namespace berth::cli
