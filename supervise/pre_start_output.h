#pragma once

#include <functional>
#include <optional>
#include <string>

#include "engine/log_reader.h"

namespace berth::supervise {

/// What the container of a pre_start hook prints, line by line.
class PreStartOutput {
 public:
  using OnLine = std::function<void(const std::string& source, const std::string& line)>;

  /// `log_path` is that of the container's first log file; `source` is who prints, for people.
  PreStartOutput(std::string log_path, std::string source, OnLine on_line)
      : log_path_(std::move(log_path)), source_(std::move(source)), on_line_(std::move(on_line)) {}

  /// Tells what has come since the last time.
  void tell();

 private:
  std::string log_path_, source_;
  OnLine on_line_;
  std::optional<engine::LogReader> reader_;
  std::string open_[2];  // lines that have not ended: stdout, stderr
};

}  // namespace berth::supervise
