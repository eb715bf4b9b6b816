#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/progress.h"
#include "cli/signals.h"

namespace berth::cli::provider {

struct Call {
  std::string program;
  std::vector<std::string> arguments;
  std::map<std::string, std::string> environment;
};

/// How a program ended that was let go to its end.
struct End {
  int code = 0;            // as a shell would have it
  bool cancelled = false;  // a SIGINT or SIGTERM to us has asked it to end
  std::string last_words;  // what it wrote to stderr at last, made printable
};

/// Takes a line that the program has written, and returns what is written to it in turn. After an error it is ended.
using Listener = std::function<Result<std::string>(const std::string& line)>;

/// Runs the program to its end. The first signal that comes to us asks it to end, the second kills it. Error: it cannot
/// be started, or that of the listener.
[[nodiscard]] Result<End> converse(const Call& call, Signals& signals, Progress& progress, const Listener& listen);

}  // namespace berth::cli::provider
