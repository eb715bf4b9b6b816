#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "builder/build.h"
#include "cli/build/step_view.h"
#include "cli/context.h"

namespace berth::cli {

/// Steps and their output on standard error, in the form that --progress names. Safe for several threads.
class BuildProgress : public builder::BuildEvents {
 public:
  BuildProgress(const Context& context, bool quiet);
  ~BuildProgress() override;

  void begun(const std::string& step) override;
  void output(const std::string& step, std::string_view bytes) override;
  void ended(const std::string& step, builder::StepEnd how) override;
  /// How far something that the step waits for has come; "" = no more. Shown where things change in place.
  void note(const std::string& step, const std::string& text);

  /// Steps that end from now on are told to trace::write_span(fd).
  void trace_to(int fd) { trace_ = fd; }

  /// Nothing more comes: what is on the terminal stays, and others may write below it.
  void finish();

  /// What a step that failed has written last, for views that have not left it on the terminal.
  [[nodiscard]] std::string failure() const;

  enum class Style { live, plain, json, raw_json, quiet };
  [[nodiscard]] Style style() const { return style_; }

 private:
  void line(Step& step, std::string_view text);
  void trace_step(const Step& step) const;

  Style style_;
  int trace_ = -1;
  mutable std::mutex mutex_;
  std::map<std::string, Step> steps_;
  std::unique_ptr<StepView> view_;
  const Step* failed_ = nullptr;  // the first
  std::condition_variable_any tick_;
  std::jthread ticker_;
};

}  // namespace berth::cli
