#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostics.h"
#include "dockerfile/instruction.h"

// What the readers of single instructions share. Internal to dockerfile/.

namespace berth::dockerfile {

/// `--name=value` before the arguments.
struct Flag {
  std::string name;
  Text value;
  bool has_value = false;
  SourceSpan span;
};

/// An instruction while it is read.
class Reading {
 public:
  Reading(const Line& line, char escape, Diagnostics& diagnostics);

  [[nodiscard]] const std::string& keyword() const { return keyword_; }  // in lower case
  [[nodiscard]] const SourceSpan& keyword_span() const { return keyword_span_; }
  [[nodiscard]] const Line& line() const { return line_; }
  [[nodiscard]] char escape() const { return escape_; }

  /// What stands behind keyword and flags, without blanks at its ends.
  [[nodiscard]] Text rest() const;
  /// The same as words: split with regard to quotes, or at every blank.
  [[nodiscard]] std::vector<Text> words() const;
  [[nodiscard]] std::vector<Text> plain_words() const;

  /// The flag's value where it is given once; one that is given twice is a mistake.
  [[nodiscard]] std::optional<Text> flag(std::string_view name);
  /// All values of a flag that may be repeated.
  [[nodiscard]] std::vector<Text> flags(std::string_view name);
  /// `--link`, `--link=false`.
  [[nodiscard]] std::optional<bool> switch_flag(std::string_view name);
  /// Reports the flags that nobody asked for, and the nearest that there is.
  void finish_flags();

  /// "RUN: <message>".
  void error(const SourceSpan& span, const std::string& message, std::string hint = {});
  void warning(const SourceSpan& span, const std::string& message, std::string hint = {});

 private:
  void read_flags();

  const Line& line_;
  char escape_;
  Diagnostics& diagnostics_;
  std::string keyword_;
  SourceSpan keyword_span_;
  size_t arguments_ = 0;  // where they begin in the line
  std::vector<Flag> flags_;
  std::vector<std::string> known_flags_;
};

/// Shell or exec form of what stands behind keyword and flags.
[[nodiscard]] Command read_command(Reading& reading);

// One for each group of instructions (read_*.cpp).
[[nodiscard]] From read_from(Reading& reading);
[[nodiscard]] Run read_run(Reading& reading);
[[nodiscard]] Copy read_copy(Reading& reading, bool add);
[[nodiscard]] Healthcheck read_healthcheck(Reading& reading);
[[nodiscard]] Arg read_arg(Reading& reading);
[[nodiscard]] std::vector<std::pair<Text, Text>> read_pairs(Reading& reading);

}  // namespace berth::dockerfile
