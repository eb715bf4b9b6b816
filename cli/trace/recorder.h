#pragma once

#include <map>
#include <tuple>

#include "cli/trace/timeline.h"
#include "sys/fd.h"

namespace berth::cli::trace {

/// Collects what a command and those who work for it tell of a start.
class Recorder {
 public:
  /// From now on.
  Recorder();

  /// A part of the command's own work: `begin_us` to now.
  void add(const std::string& what, int64_t begin_us, bool failed = false);
  /// A message of the supervisor; what says nothing of times is left alone.
  void on_event(const engine::Json& message);
  /// Where a helper program writes its spans (write_span()); -1 if there can be no such file.
  [[nodiscard]] int helper_fd() const { return helpers_.get(); }

  /// What there is until now. A step that nobody has seen end has failed.
  [[nodiscard]] Timeline timeline(const std::string& project) const;

 private:
  void step(const engine::Json& message);
  [[nodiscard]] size_t last_ended() const;

  // A supervisor that was killed is followed by one that makes a plan of its own.
  using StepKey = std::tuple<size_t, size_t, size_t>;  // supervisor, plan, step
  Timeline timeline_;
  std::map<StepKey, size_t> places_;  // among the steps
  size_t supervisor_ = 0;
  sys::UniqueFd helpers_;
};

/// Adds a span to the file of a Recorder that this process has inherited; -1: does nothing. Safe for several threads
/// and processes.
void write_span(int fd, const engine::Span& span);

/// Measures a part of the command's work, if a recorder is there, until its end.
class Part {
 public:
  Part(Recorder* recorder, const char* what)
      : recorder_(recorder), what_(what), begin_us_(recorder == nullptr ? 0 : engine::trace_clock_us()) {}
  ~Part() {
    if (recorder_ != nullptr) recorder_->add(what_, begin_us_);
  }
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;

 private:
  Recorder* recorder_;
  const char* what_;
  int64_t begin_us_;
};

}  // namespace berth::cli::trace
