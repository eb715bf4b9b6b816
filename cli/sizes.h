#pragma once

#include <cstdint>
#include <string>

namespace berth::cli {

/// "105MB": decimal units and three digits, as Docker shows sizes.
[[nodiscard]] std::string size_text(uint64_t bytes);

}  // namespace berth::cli
