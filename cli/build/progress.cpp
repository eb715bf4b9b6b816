#include "cli/build/progress.h"

#include <fmt/core.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/text.h"

namespace berth::cli {
namespace {

constexpr size_t kTail = 4096;

/// "[web 3/7] RUN make" → "[web 3/7]".
std::string label_of(const std::string& step) {
  return step.substr(0, step.find(']') + 1);
}

}  // namespace

BuildProgress::BuildProgress(const Context& context, bool quiet)
    : style_(quiet || context.progress == "quiet" ? Style::quiet
             : context.progress == "json"         ? Style::json
                                                  : Style::plain),
      colour_(context.colour(STDERR_FILENO)) {}

void BuildProgress::begun(const std::string& step) {
  begun_ = std::chrono::steady_clock::now();
  rest_.clear();
  tail_.clear();
  event(step, "Working", step);
}

void BuildProgress::output(const std::string& step, std::string_view bytes) {
  rest_ += bytes;
  for (size_t end; (end = rest_.find('\n')) != std::string::npos; rest_.erase(0, end + 1))
    line(step, rest_.substr(0, end));
}

void BuildProgress::done(const std::string& step, bool cached) {
  if (!rest_.empty()) line(step, std::exchange(rest_, {}));
  event(step, "Done", label_of(step) + (cached ? " CACHED" : " DONE " + seconds()));
}

void BuildProgress::failed(const std::string& step) {
  if (!rest_.empty()) line(step, std::exchange(rest_, {}));
  event(step, "Error", label_of(step) + " ERROR");
}

void BuildProgress::line(const std::string& step, const std::string& text) {
  std::string shown = printable(text.ends_with('\r') ? text.substr(0, text.size() - 1) : text);
  tail_ += shown + "\n";
  if (tail_.size() > kTail) tail_.erase(0, tail_.find('\n', tail_.size() - kTail) + 1);
  if (style_ == Style::plain) fmt::print(stderr, "{} | {}\n", label_of(step), shown);
  if (style_ == Style::json) event(step, "Working", shown);
}

void BuildProgress::event(const std::string& step, const char* status, const std::string& text) {
  if (style_ == Style::plain) {
    const char* tint = !colour_ ? "" : std::string_view(status) == "Error" ? "\033[31m" : "\033[34m";
    fmt::print(stderr, "{}{}{}\n", tint, text, colour_ ? "\033[0m" : "");
  } else if (style_ == Style::json) {
    nlohmann::json json{{"id", label_of(step)}, {"status", status}, {"text", text}};
    fmt::print(stderr, "{}\n", json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  }
}

std::string BuildProgress::seconds() const {
  std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun_;
  return fmt::format("{:.1f}s", took.count());
}

}  // namespace berth::cli
