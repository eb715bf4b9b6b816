#pragma once

#include <chrono>
#include <map>
#include <string>

#include "builder/build.h"
#include "cli/context.h"

namespace berth::cli {

/// Steps and their output on standard error, line by line: "[web 3/7] RUN make", its output behind "[web 3/7] |".
class BuildProgress : public builder::BuildEvents {
 public:
  BuildProgress(const Context& context, bool quiet);

  void begun(const std::string& step) override;
  void output(const std::string& step, std::string_view bytes) override;
  void done(const std::string& step, bool cached) override;
  void failed(const std::string& step) override;

  /// The last lines of the step that failed, for a build that was quiet.
  [[nodiscard]] const std::string& last_output() const { return tail_; }
  [[nodiscard]] bool quiet() const { return style_ == Style::quiet; }

 private:
  enum class Style { plain, json, quiet };
  void line(const std::string& step, const std::string& text);
  void event(const std::string& step, const char* status, const std::string& text);
  [[nodiscard]] std::string seconds() const;

  Style style_;
  bool colour_;
  std::string rest_, tail_;  // of the output: a line not ended, the last few
  std::chrono::steady_clock::time_point begun_;
};

}  // namespace berth::cli
