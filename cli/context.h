#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sys/paths.h"

namespace berth::cli {

namespace trace {
class Recorder;
}

/// What stands before the command, and where berth keeps its things. Filled by main, read by commands.
struct Context {
  std::vector<std::string> files, profiles, env_files;
  std::string project_name, project_directory;
  int64_t parallel = -1;
  std::string progress = "auto";  // auto, tty, plain, json, quiet
  std::string ansi = "auto";      // never, always, auto
  bool dry_run = false;
  bool all_resources = false;
  bool compatibility = false;
  sys::Paths paths;
  trace::Recorder* trace = nullptr;  // who wants to know how long everything takes; nullptr = nobody
  char** argv = nullptr;             // as this program got it
  /// Set by the command that the user named; main calls it once all flags are known. Returns the exit code.
  std::function<int()> command;

  /// Whether stdout or stderr (by number) gets colours: --ansi, NO_COLOR, or because it is a terminal.
  [[nodiscard]] bool colour(int fd) const;
};

/// --parallel, else COMPOSE_PARALLEL_LIMIT: how much may happen at once. 0 = no limit.
[[nodiscard]] int64_t parallel_limit(const Context& context);

}  // namespace berth::cli
