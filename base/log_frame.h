#pragma once

#include <cstddef>
#include <cstdint>

namespace berth {

// A container's log is a series of files (`log`, `log.1`, `log.2`, …: the highest number is the newest) of frames
// (docs/state_format.md): header, then `length` bytes of one line without its newline. The keeper appends them; readers
// skip what does not check out (a torn tail, a hole left by a power cut).

inline constexpr uint32_t kLogMagic = 0x474F4C62;    // "bLOG", little endian
inline constexpr size_t kMaxLogPayload = 16 * 1024;  // longer lines are split, as Docker does, with kLogPartial set

enum LogFlags : uint8_t {
  kLogPartial = 1,  // the line goes on in the next frame of the same stream
  kLogEnd = 2,      // no line: the stream has ended, and with it a line that was open
  kLogGap = 4,      // no line: the payload is a LogGap
};

/// What could not be written, where it would have been.
struct LogGap {
  uint64_t lines;
  int32_t error;  // errno of the first failure
  uint32_t reserved;
};
static_assert(sizeof(LogGap) == 16);

/// What the supervisor decides about a container's log.
struct LogLimits {
  uint64_t file_bytes;  // a file that would grow beyond is followed by the next; 0 = never
  uint32_t files;       // the newest are kept; 0 = nothing is written at all
  uint32_t newest;      // number of the file to go on with
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

inline constexpr size_t kLogNameSize = 16;

/// The name of the log's file with that number.
void name_log_file(uint32_t number, char (&name)[kLogNameSize]) noexcept;

/// Completes magic and checksum of a frame whose other fields are set.
void seal(LogFrame& frame, const char* payload) noexcept;

/// True if magic, length and checksum hold.
[[nodiscard]] bool intact(const LogFrame& frame, const char* payload) noexcept;

}  // namespace berth
