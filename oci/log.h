#pragma once

#include <string>

#include "base/error.h"
#include "base/result.h"

namespace berth::oci {

/// Where errors and warnings go: a file that whoever drives us reads, one object or line for each, and standard error.
class Log {
 public:
  /// `path`: "" = standard error only. Error: the file cannot be opened.
  [[nodiscard]] Status open(const std::string& path, bool json, bool debug);

  /// Into the file, and on standard error as a line of its own.
  void error(const Error& error) const;
  void warn(const std::string& message) const;
  void debug(const std::string& message) const;

 private:
  void write(const char* level, const std::string& message) const;

  int file_ = -1;  // stays open for the length of the process
  bool json_ = false;
  bool debug_ = false;
};

/// Now, as RFC 3339 with nanoseconds.
[[nodiscard]] std::string timestamp();

}  // namespace berth::oci
