#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log_frame.h"
#include "base/result.h"
#include "sys/fd.h"

namespace berth::engine {

/// One frame of a container's log.
struct LogEntry {
  enum class Kind : uint8_t {
    text,  // a line, or a part of one (`partial`: the line goes on in the stream's next frame)
    end,   // the stream has ended, and with it a line that was open
    gap,   // here lines are missing
  };
  int64_t time_ns = 0;
  uint8_t stream = 1;  // 1 = stdout, 2 = stderr
  bool partial = false;
  Kind kind = Kind::text;
  std::string_view text;  // without the newline; valid until the next call
  // Of a gap:
  uint64_t lost = 0;  // lines that could not be written; 0 = what rotation removed before it was read
  int error = 0;      // why, as errno
};

/// Reads a container's log (base/log_frame.h) from its oldest file on, and goes on where it stopped when more has been
/// written. Bytes that are no intact frame are skipped. The keeper may append, rotate and cut meanwhile.
class LogReader {
 public:
  /// `path` is that of the first file; the later ones lie beside it. Error ENOENT if the container has not written a
  /// log yet.
  [[nodiscard]] static Result<LogReader> open(const std::string& path);

  /// The next entry, or nothing at the present end.
  [[nodiscard]] std::optional<LogEntry> next();

  /// Where next() has stopped before lines that are being lost: the gap as far as it is known. next() gives it when it
  /// has come to its end.
  [[nodiscard]] const std::optional<LogEntry>& open_gap() const { return open_gap_; }

  /// Moves to where the last `lines` lines begin.
  void seek_tail(size_t lines);

  /// The number of the newest file in that directory; 0 if there is none.
  [[nodiscard]] static uint32_t newest(const std::string& directory);

 private:
  struct Position {
    uint32_t file = 0;
    off_t offset = 0;
  };
  explicit LogReader(std::string directory);
  [[nodiscard]] berth::Status open_file(uint32_t number);
  [[nodiscard]] berth::Status open_oldest();
  [[nodiscard]] bool fill();
  void resync();
  [[nodiscard]] bool skip_torn();
  void rewind();
  [[nodiscard]] std::optional<uint32_t> successor() const;
  void go_on();
  [[nodiscard]] Position position() const { return {number_, offset_ - static_cast<off_t>(end_ - begin_)}; }

  std::string directory_;
  sys::UniqueFd fd_;
  uint32_t number_ = 0;              // of the file that is read
  std::optional<uint32_t> rotated_;  // the file after it, which there is: so nothing more is written to this one
  bool overtaken_ = false;           // files have been removed that were not read
  std::optional<LogEntry> open_gap_;
  off_t offset_ = 0;  // in the file, of the buffer's end
  std::unique_ptr<char[]> buffer_;
  size_t begin_ = 0, end_ = 0;  // of what is not consumed yet
};

/// The last `lines` lines of a log as text, newest last, for error messages; control characters shown, not sent.
[[nodiscard]] std::vector<std::string> last_lines(const std::string& path, size_t lines);

}  // namespace berth::engine
