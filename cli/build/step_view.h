#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "builder/build.h"

// How the steps of builds are shown. Internal to cli/build/.

namespace berth::cli {

struct Step {
  std::string name;   // "[web 3/7] RUN make"
  std::string label;  // "[web 3/7]"
  std::chrono::steady_clock::time_point begun, over;
  std::optional<builder::StepEnd> end;
  std::string tail;  // the last lines of its output
  std::string rest;  // a line that has not ended
  std::string note;  // how far what it waits for has come

  /// So far, or in all: "1.2s".
  [[nodiscard]] std::string seconds() const;
};

/// What a terminal shows of a line in the end: what is behind the last carriage return.
[[nodiscard]] std::string shown_line(std::string_view line);

/// One way of showing steps; this one shows nothing. The steps stay where they are. For one thread at a time.
class StepView {
 public:
  virtual ~StepView() = default;
  virtual void begun(const Step&) {}
  virtual void line(const Step&, const std::string&) {}
  virtual void ended(const Step&) {}
  /// A few times a second.
  virtual void tick() {}
  /// Nothing more comes.
  virtual void finish() {}
};

/// Line by line: "[web 3/7] RUN make", its output behind "[web 3/7] |".
[[nodiscard]] std::unique_ptr<StepView> make_plain_view(bool colour);
/// An object for each line, as Docker Compose has them.
[[nodiscard]] std::unique_ptr<StepView> make_json_view();
/// BuildKit's own form: objects with "vertexes" and "logs".
[[nodiscard]] std::unique_ptr<StepView> make_raw_json_view();
/// In place on the terminal `fd`: steps with their times, and the last lines of those that run.
[[nodiscard]] std::unique_ptr<StepView> make_live_view(int fd, bool colour);

}  // namespace berth::cli
