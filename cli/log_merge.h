#pragma once

#include <cstdint>
#include <list>
#include <optional>

#include "cli/log_printer.h"
#include "engine/log_reader.h"

namespace berth::cli {

/// Which of the entries are shown, by the wall clock; both ends belong to it.
struct LogPeriod {
  int64_t since_ns = INT64_MIN, until_ns = INT64_MAX;
};

/// Prints the logs of several containers in the order of their times. What one container wrote stays in its own order,
/// even where the clock was set back.
class LogMerge {
 public:
  LogMerge(LogPrinter& printer, LogPeriod period) : printer_(printer), period_(period) {}

  struct Input {
    LogPrinter::Source& source;
    engine::LogReader reader;
    std::optional<engine::LogEntry> head;
    int64_t gap_told = 0;  // when the gap began that has been told before its end
  };
  Input& add(LogPrinter::Source& source, engine::LogReader reader);
  void remove(const Input& input);

  /// Prints what there is.
  void pump();
  /// Tells of lines that are being lost at this moment, each time once.
  void tell_open_gaps();
  /// What the containers have left without a newline.
  void flush();

 private:
  void print(Input& input);

  LogPrinter& printer_;
  LogPeriod period_;
  std::list<Input> inputs_;
};

}  // namespace berth::cli
