#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "sys/fd.h"

namespace berth::cli {

/// Where an archive goes: a file that appears under its name when it is complete, or standard output. Small pieces are
/// collected.
class OutputFile {
 public:
  /// Error: standard output is a terminal, which an archive would only fill with rubbish; the file cannot be made
  /// there. `path` "" is standard output. What is there and is no regular file (a pipe, a device) is written to as it
  /// is.
  [[nodiscard]] static Result<OutputFile> open(const std::string& path);
  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;
  /// Without complete() nothing stays of the file.
  ~OutputFile();

  [[nodiscard]] Status write(std::string_view bytes);
  [[nodiscard]] Status complete();

 private:
  OutputFile(std::string path, std::string temporary, sys::UniqueFd fd)
      : path_(std::move(path)), temporary_(std::move(temporary)), fd_(std::move(fd)) {}
  [[nodiscard]] Status flush();

  std::string path_, temporary_;  // temporary_ empty: written in place
  sys::UniqueFd fd_;
  std::string buffer_;
};

/// What a command shows, as a file that others may read. A device or a pipe is written to, not replaced.
[[nodiscard]] Status save_text(const std::string& path, const std::string& text);

}  // namespace berth::cli
