#include "cli/progress.h"

#include <fmt/core.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/status_stream.h"

namespace berth::cli {
namespace {

struct StepWords {
  const char* verb;  // of engine::words()
  const char* doing;
  const char* done;
};
constexpr StepWords kWords[] = {
    {"Create", "Creating", "Created"},
    {"Recreate", "Recreate", "Recreated"},
    {"Start", "Starting", "Started"},
    {"Stop", "Stopping", "Stopped"},
    {"Kill", "Killing", "Killed"},
    {"Pause", "Pausing", "Paused"},
    {"Unpause", "Unpausing", "Unpaused"},
    {"Copy", "Copying", "Copied"},
    {"Remove", "Removing", "Removed"},
    {"Wait until started", "Waiting", "Started"},
    {"Wait until healthy", "Waiting", "Healthy"},
    {"Wait until completed", "Waiting", "Exited"},
    {"Wait until ready", "Waiting", "Ready"},
};

}  // namespace

Progress::Progress(const Context& context, Terminal form)
    : style_(context.progress), colour_(context.colour(fileno(status_stream()))) {
  const bool terminal = isatty(fileno(status_stream())) == 1;
  if (style_ == "auto") style_ = terminal && context.ansi != "never" ? "tty" : "plain";
  if (style_ == "tty" && terminal && form == Terminal::changes) live_ = std::make_unique<LiveSteps>(colour_);
}

int Progress::patience_ms() const {
  return live_ && live_->is_working() ? static_cast<int>(LiveSteps::kTick.count()) : -1;
}

void Progress::tick() {
  if (live_) live_->tick();
}

void Progress::aside(const std::function<void()>& write) {
  if (live_) return live_->aside(write);
  write();
}

void Progress::finish() {
  if (live_) live_->finish();
}

void Progress::on_event(const engine::Json& event) {
  const std::string type = event.value("type", "");
  if (type == "step") return step(event);
  aside([&] {
    const std::string text = printable(event.value("text", ""));
    if (type == "warning")
      fmt::print(stderr, "{}warning:{} {}\n", colour_ ? "\033[1;33m" : "", colour_ ? "\033[0m" : "", text);
    if (type == "output" && style_ != "quiet") output(printable(event.value("source", "")), text);
    if (type == "waiting" && style_ != "quiet") fmt::print(status_stream(), "waiting: {}\n", text);
  });
}

/// What a hook has printed, in the form of `logs`.
void Progress::output(const std::string& source, const std::string& text) const {
  if (style_ == "json")
    fmt::print(status_stream(), "{}\n", engine::to_text({{"id", source}, {"text", text}}));
  else
    fmt::print(status_stream(), "{} | {}\n", source, text);
}

void Progress::step(const engine::Json& event) {
  std::string verb = event.value("verb", ""), state = event.value("state", "");
  for (const StepWords& words : kWords) {
    if (verb != words.verb) continue;
    std::string id = event.value("kind", "") + " " + printable(event.value("name", ""));
    if (state == "started")
      line(id, words.doing, LiveSteps::State::working);
    else if (state == "done")
      line(id, words.done, LiveSteps::State::done);
    else
      line(id, "Error", LiveSteps::State::failed, event.value("error", ""));
  }
}

void Progress::line(const std::string& id, const std::string& status, LiveSteps::State state,
                    const std::string& details) {
  if (style_ == "quiet") return;
  if (live_) return live_->set(id, status, state);
  const bool finished = state != LiveSteps::State::working, failed = state == LiveSteps::State::failed;
  if (style_ == "json") {
    engine::Json json{{"id", id}, {"status", failed ? "Error" : finished ? "Done" : "Working"}, {"text", status}};
    if (!details.empty()) json["details"] = details;
    fmt::print(status_stream(), "{}\n", engine::to_text(json));
  } else if (style_ == "plain") {
    fmt::print(status_stream(), " {}  {}\n", id, status);
  } else if (finished) {  // only what has been reached
    const char* mark = failed ? "✘" : "✔";
    const char* tint = !colour_ ? "" : failed ? "\033[31m" : "\033[32m";
    fmt::print(status_stream(), " {}{}{} {}  {}{}{}\n", tint, mark, colour_ ? "\033[0m" : "", id, tint, status,
               colour_ ? "\033[0m" : "");
  }
}

}  // namespace berth::cli
