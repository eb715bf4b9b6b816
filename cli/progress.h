#pragma once

#include <map>
#include <string>

#include "cli/context.h"
#include "engine/json.h"

namespace berth::cli {

/// Shows what the supervisor does, on stderr: a line for each thing that has happened, in Docker Compose's words.
class Progress {
 public:
  explicit Progress(const Context& context);

  /// An event of engine/wire.h.
  void on_event(const engine::Json& event);

 private:
  void step(const engine::Json& event);
  void output(const std::string& source, const std::string& text) const;
  void line(const std::string& id, const std::string& status, bool finished, bool failed);

  std::string style_;  // tty, plain, json, quiet
  bool colour_;
};

}  // namespace berth::cli
