#pragma once

#include <map>
#include <string>

#include "base/result.h"

namespace berth::compose {

/// Where load() reads from, so that tests and fuzzers need no disk. Paths are absolute.
class FileSource {
 public:
  virtual ~FileSource() = default;
  /// The whole file; `code` of the error is ENOENT, EISDIR, EFBIG (over kMaxFileSize) or what reading gave.
  [[nodiscard]] virtual Result<std::string> read(const std::string& path) = 0;
  /// Whether there is something to read there that is no directory.
  [[nodiscard]] virtual bool exists(const std::string& path) = 0;
  /// All of standard input (`-f -`).
  [[nodiscard]] virtual Result<std::string> read_stdin() = 0;
};

/// Compose and variable files are written by people; more than this is a mistake or an attack.
constexpr size_t kMaxFileSize = size_t{16} << 20;

class DiskFiles final : public FileSource {
 public:
  [[nodiscard]] Result<std::string> read(const std::string& path) override;
  [[nodiscard]] bool exists(const std::string& path) override;
  [[nodiscard]] Result<std::string> read_stdin() override;
};

/// Files in a map from absolute path to text.
class MemoryFiles final : public FileSource {
 public:
  explicit MemoryFiles(std::map<std::string, std::string> files, std::string stdin_text = {})
      : files_(std::move(files)), stdin_(std::move(stdin_text)) {}
  [[nodiscard]] Result<std::string> read(const std::string& path) override;
  [[nodiscard]] bool exists(const std::string& path) override;
  [[nodiscard]] Result<std::string> read_stdin() override;

 private:
  std::map<std::string, std::string> files_;
  std::string stdin_;
};

}  // namespace berth::compose
