#pragma once

#include <cstddef>
#include <cstdint>

namespace berth {

/// CRC-32C (Castagnoli, RFC 3720) of the bytes, continuing from `crc` (0 to begin).
[[nodiscard]] uint32_t crc32c(uint32_t crc, const void* data, size_t size) noexcept;

}  // namespace berth
