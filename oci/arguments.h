#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "oci/command_table.h"

namespace berth::oci {

/// Flags and operands of a command line as Go's programs write them: one dash or two, the value behind a blank or an
/// equals sign; the first operand ends the flags.
class Arguments {
 public:
  /// Error: a flag that is none of `rows`, without its value, or with one it does not take.
  [[nodiscard]] static Result<Arguments> parse(std::span<const FlagRow> rows, std::span<char* const> words);

  [[nodiscard]] bool has(std::string_view flag) const;
  /// The last value, or "".
  [[nodiscard]] std::string value(std::string_view flag) const;
  [[nodiscard]] std::vector<std::string> values(std::string_view flag) const;
  /// Error: not a whole number (0 if the flag is not there).
  [[nodiscard]] Result<int64_t> number(std::string_view flag) const;
  [[nodiscard]] const std::vector<std::string>& operands() const { return operands_; }

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> flags_;
  std::vector<std::string> operands_;
};

}  // namespace berth::oci
