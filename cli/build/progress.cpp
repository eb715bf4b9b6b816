#include "cli/build/progress.h"

#include <fmt/core.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/status_stream.h"
#include "cli/trace/recorder.h"

namespace berth::cli {
namespace {

constexpr size_t kTail = 32 << 10;
constexpr std::chrono::milliseconds kTick{100};

BuildProgress::Style style_of(const Context& context, bool quiet) {
  using Style = BuildProgress::Style;
  if (quiet || context.progress == "quiet") return Style::quiet;
  if (context.progress == "json") return Style::json;
  if (context.progress == "rawjson") return Style::raw_json;
  if (context.progress == "tty") return Style::live;
  bool terminal = isatty(fileno(status_stream())) == 1 && context.ansi != "never";
  return context.progress == "auto" && terminal ? Style::live : Style::plain;
}

std::unique_ptr<StepView> view_of(BuildProgress::Style style, bool colour) {
  switch (style) {
    case BuildProgress::Style::live:
      return make_live_view(fileno(status_stream()), colour);
    case BuildProgress::Style::plain:
      return make_plain_view(colour);
    case BuildProgress::Style::json:
      return make_json_view();
    case BuildProgress::Style::raw_json:
      return make_raw_json_view();
    case BuildProgress::Style::quiet:
      break;
  }
  return std::make_unique<StepView>();
}

}  // namespace

std::string Step::seconds() const {
  std::chrono::duration<double> took = (end ? over : std::chrono::steady_clock::now()) - begun;
  return fmt::format("{:.1f}s", took.count());
}

std::string shown_line(std::string_view line) {
  while (line.ends_with('\r')) line.remove_suffix(1);
  return printable(line.substr(line.rfind('\r') + 1));  // npos + 1 = 0
}

BuildProgress::BuildProgress(const Context& context, bool quiet)
    : style_(style_of(context, quiet)), view_(view_of(style_, context.colour(fileno(status_stream())))) {
  if (style_ != Style::live) return;
  ticker_ = std::jthread([this](const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
      view_->tick();
      tick_.wait_for(lock, stop, kTick, [] { return false; });
    }
  });
}

BuildProgress::~BuildProgress() {
  finish();
}

void BuildProgress::begun(const std::string& name) {
  std::lock_guard lock(mutex_);
  Step& step = steps_[name];
  step = Step{name, name.substr(0, name.find(']') + 1), std::chrono::steady_clock::now(), {}, {}, {}, {}, {}};
  view_->begun(step);
}

void BuildProgress::output(const std::string& name, std::string_view bytes) {
  std::lock_guard lock(mutex_);
  Step& step = steps_[name];
  step.rest += bytes;
  for (size_t end; (end = step.rest.find('\n')) != std::string::npos; step.rest.erase(0, end + 1))
    line(step, std::string_view(step.rest).substr(0, end));
  if (step.rest.size() > kTail) line(step, std::exchange(step.rest, {}));
}

void BuildProgress::ended(const std::string& name, builder::StepEnd how) {
  std::lock_guard lock(mutex_);
  Step& step = steps_[name];
  if (!step.rest.empty()) line(step, std::exchange(step.rest, {}));
  step.note.clear();
  step.over = std::chrono::steady_clock::now();
  step.end = how;
  if (how == builder::StepEnd::failed && failed_ == nullptr) failed_ = &step;
  view_->ended(step);
  if (trace_ >= 0) trace_step(step);
}

void BuildProgress::trace_step(const Step& step) const {
  auto us = [](std::chrono::steady_clock::time_point moment) {
    return std::chrono::duration_cast<std::chrono::microseconds>(moment.time_since_epoch()).count();
  };
  trace::write_span(
      trace_, {"build", step.name, us(step.begun), us(step.over), step.end == builder::StepEnd::cached ? "cached" : "",
               step.end == builder::StepEnd::failed});
}

void BuildProgress::note(const std::string& name, const std::string& text) {
  std::lock_guard lock(mutex_);
  steps_[name].note = text;
}

void BuildProgress::finish() {
  if (ticker_.joinable()) {
    ticker_.request_stop();
    ticker_.join();
  }
  std::lock_guard lock(mutex_);
  view_->finish();
}

std::string BuildProgress::failure() const {
  std::lock_guard lock(mutex_);
  if (failed_ == nullptr) return {};
  if (style_ == Style::quiet) return failed_->tail;
  if (style_ != Style::live || failed_->tail.empty()) return {};
  return fmt::format("------\n > {}:\n{}------\n", failed_->name, failed_->tail);
}

void BuildProgress::line(Step& step, std::string_view text) {
  std::string shown = shown_line(text);
  step.tail += shown + "\n";
  if (step.tail.size() > kTail) step.tail.erase(0, step.tail.find('\n', step.tail.size() - kTail) + 1);
  view_->line(step, shown);
}

}  // namespace berth::cli
