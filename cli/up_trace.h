#pragma once

#include <memory>
#include <optional>
#include <string>

#include "cli/context.h"
#include "cli/output_file.h"
#include "cli/trace/recorder.h"

namespace berth::cli {

/// `up --trace FILE`: how long the parts of a start take, for whoever asks.
class UpTrace {
 public:
  /// Requires: the context outlives it.
  explicit UpTrace(Context& context) : context_(context) {}
  UpTrace(const UpTrace&) = delete;
  UpTrace& operator=(const UpTrace&) = delete;
  ~UpTrace() { context_.trace = nullptr; }

  /// From here on all is recorded. `file`: "" = nobody asks; "-" = it is only shown. Error: the file cannot be written.
  [[nodiscard]] Status begin(const std::string& file);
  /// Writes the file, and shows the waterfall on stderr: where a file is written not with --progress quiet or json.
  /// Tells of a file that cannot be written. Does nothing where nothing was begun.
  void finish(const std::string& project);

 private:
  Context& context_;
  std::unique_ptr<trace::Recorder> recorder_;
  std::optional<OutputFile> file_;
};

}  // namespace berth::cli
