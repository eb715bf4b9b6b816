#pragma once

#include <cstdio>
#include <map>
#include <string>

#include "engine/log_reader.h"

namespace berth::cli {

struct LogStyle {
  bool prefix = true;
  bool colour = false;
  bool timestamps = false;
  bool split_streams = false;  // stderr of containers to our stderr (`up`); else all to stdout (`logs`)
};

/// Writes log entries as lines `web-1  | text`: whole lines only, so that containers do not cut into each other. On a
/// terminal control characters but for colours are shown, not sent.
class LogPrinter {
 public:
  explicit LogPrinter(LogStyle style);

  /// Announces a container, so that names are padded to the longest.
  void add_source(const std::string& name);
  void print(const std::string& source, const engine::LogEntry& entry);
  /// What a container left without a newline.
  void flush(const std::string& source);
  /// A line about a container: `web-1 exited with code 0`.
  void remark(const std::string& source, const std::string& text);

 private:
  struct Source {
    size_t colour = 0;
    std::string open[2];  // a line that is not complete yet, of stdout and stderr
    int64_t open_since[2] = {0, 0};
  };
  void write_line(const std::string& name, const Source& source, int stream, int64_t time_ns, std::string_view text);
  [[nodiscard]] std::string prefix_of(const std::string& name, const Source& source) const;

  LogStyle style_;
  bool terminal_;
  size_t width_ = 0;
  std::map<std::string, Source> sources_;
};

/// The text with everything but SGR (colours) and tabs made visible: what an application writes must not move the
/// cursor, set the title or answer questions in the user's terminal.
[[nodiscard]] std::string safe_for_terminal(std::string_view text);

}  // namespace berth::cli
