#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log_frame.h"
#include "base/result.h"
#include "sys/fd.h"

namespace berth::engine {

/// One frame of a container's log: a line, or a part of one (`partial`: the line goes on in the stream's next frame).
struct LogEntry {
  int64_t time_ns = 0;
  uint8_t stream = 1;  // 1 = stdout, 2 = stderr
  bool partial = false;
  std::string_view text;  // without the newline; valid until the next call
};

/// Reads a log file (base/log_frame.h) from its beginning, and goes on where it stopped when more has been written.
/// Bytes that are no intact frame are skipped.
class LogReader {
 public:
  /// Error ENOENT if the container has not written a log yet.
  [[nodiscard]] static Result<LogReader> open(const std::string& path);

  /// The next entry, or nothing at the present end of the file.
  [[nodiscard]] std::optional<LogEntry> next();

  /// Moves to where the last `lines` lines begin.
  void seek_tail(size_t lines);

 private:
  explicit LogReader(sys::UniqueFd fd);
  [[nodiscard]] bool fill();
  [[nodiscard]] bool resync();
  [[nodiscard]] bool skip_torn();

  sys::UniqueFd fd_;
  std::vector<char> buffer_;
  size_t begin_ = 0, end_ = 0;  // of what is not consumed yet
};

/// The last `lines` lines of a log as text, newest last, for error messages; control characters shown, not sent.
[[nodiscard]] std::vector<std::string> last_lines(const std::string& path, size_t lines);

}  // namespace berth::engine
