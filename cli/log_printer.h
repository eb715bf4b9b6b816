#pragma once

#include <cstdio>
#include <deque>
#include <map>
#include <string>

#include "engine/log_reader.h"

namespace berth::cli {

struct LogStyle {
  bool prefix = true;
  bool colour = false;
  bool timestamps = false;
  bool remarks = true;         // tells of ends
  bool split_streams = false;  // stderr of containers to our stderr (`up`); else all to stdout (`logs`)
};

/// Writes log entries as lines `web-1  | text`: whole lines only, so that containers do not cut into each other. On a
/// terminal control characters but for colours are shown, not sent.
class LogPrinter {
 public:
  /// A container's place here.
  struct Source {
    std::string name;
    const char* colour = nullptr;
    std::string prefix;   // as it stands before its lines
    std::string open[2];  // a line that is not complete yet, of stdout and stderr
    int64_t open_since[2] = {0, 0};
  };

  explicit LogPrinter(LogStyle style);

  /// Announces a container, so that names are padded to the longest. Lives as long as the printer; a name that is
  /// known already keeps its place.
  Source& add_source(const std::string& name);
  void print(Source& source, const engine::LogEntry& entry);
  /// What a container left without a newline.
  void flush(Source& source);
  /// A line of nobody's: what `watch` says, where prefixes end.
  void note(const std::string& text);
  /// A line about a container: `web-1 exited with code 0`.
  void remark(Source& source, const std::string& text);

 private:
  void write_line(const Source& source, int stream, int64_t time_ns, std::string_view text);
  void add_time(int64_t time_ns);
  void tell_gap(Source& source, const engine::LogEntry& gap);

  LogStyle style_;
  bool terminal_;
  size_t width_ = 0;
  std::deque<Source> sources_;
  std::string line_;     // the one that is put together
  int64_t second_ = -1;  // whose text `second_text_` is
  std::string second_text_;
};

/// The text with everything but SGR (colours) and tabs made visible: what an application writes must not move the
/// cursor, set the title or answer questions in the user's terminal.
[[nodiscard]] std::string safe_for_terminal(std::string_view text);

}  // namespace berth::cli
