#pragma once

#include <functional>
#include <memory>
#include <string>

#include "cli/context.h"
#include "cli/live_steps.h"
#include "engine/json.h"

namespace berth::cli {

/// Shows what the supervisor does, on stderr, in Docker Compose's words: on a terminal a line for each thing, which
/// changes in place; elsewhere a line for each thing that has happened.
class Progress {
 public:
  enum class Terminal {
    changes,  // lines in place
    lines,    // what has been reached, line by line: where others write to the terminal, too
  };
  explicit Progress(const Context& context, Terminal form = Terminal::changes);

  /// An event of engine/wire.h.
  void on_event(const engine::Json& event);
  /// How long one may wait for the next event before tick(), in milliseconds; -1 = for ever.
  [[nodiscard]] int patience_ms() const;
  void tick();
  /// Lets others write to the terminal.
  void aside(const std::function<void()>& write);
  /// Nothing more comes.
  void finish();
  /// What is done with a thing that has no events: `id` is how it is called, "Container shop-web-1". `details`, such as
  /// the reason of a failure, is for programs alone; people read that below.
  void line(const std::string& id, const std::string& status, LiveSteps::State state, const std::string& details = "");

 private:
  void step(const engine::Json& event);
  void output(const std::string& source, const std::string& text) const;

  std::string style_;  // tty, plain, json, quiet
  bool colour_;
  std::unique_ptr<LiveSteps> live_;
};

}  // namespace berth::cli
