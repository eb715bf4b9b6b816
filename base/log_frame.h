#pragma once

#include <cstddef>
#include <cstdint>

namespace berth {

// A container's log is a file of frames (docs/state_format.md): header, then `length` bytes of one line without its
// newline. The keeper appends them; readers skip what does not check out (a torn tail, a hole left by a power cut).

inline constexpr uint32_t kLogMagic = 0x474F4C62;    // "bLOG", little endian
inline constexpr size_t kMaxLogPayload = 16 * 1024;  // longer lines are split, as Docker does, with kLogPartial set

enum LogFlags : uint8_t {
  kLogPartial = 1,  // the line goes on in the next frame of the same stream
};

struct LogFrame {
  uint32_t magic;
  uint32_t crc;  // CRC-32C of the rest of the header and the payload
  int64_t time_ns;
  uint32_t length;
  uint8_t stream;  // 1 = stdout, 2 = stderr
  uint8_t flags;
  uint16_t reserved;
};
static_assert(sizeof(LogFrame) == 24);

/// Completes magic and checksum of a frame whose other fields are set.
void seal(LogFrame& frame, const char* payload) noexcept;

/// True if magic, length and checksum hold.
[[nodiscard]] bool intact(const LogFrame& frame, const char* payload) noexcept;

}  // namespace berth
