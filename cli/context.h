#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
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
  std::string progress;  // auto, tty, plain, json, quiet
  std::string ansi;      // never, always, auto
  bool dry_run = false;
  bool all_resources = false;
  bool compatibility = false;      // names with "_", as Compose had them once
  bool as_docker_compose = false;  // by that name we were called
  // Deprecated, each with a word about it:
  std::string workdir;
  bool no_ansi = false, insecure_registry = false;
  sys::Paths paths;
  trace::Recorder* trace = nullptr;  // who wants to know how long everything takes; nullptr = nobody
  char** argv = nullptr;             // as this program got it
  /// Set by the command that the user named; main calls it once all flags are known. Returns the exit code.
  std::function<int()> command;

  /// Whether stdout or stderr (by number) gets colours: --ansi, NO_COLOR, or because it is a terminal.
  [[nodiscard]] bool colour(int fd) const;
};

/// Whether the value of a variable means yes.
[[nodiscard]] bool means_yes(const std::string& value);

/// What the flags leave open, the environment says (COMPOSE_ANSI and others); deprecated flags are told of. To be
/// called once, when the command line has been understood. Error: a value that makes no sense.
[[nodiscard]] Status settle(Context& context);

/// --parallel, else COMPOSE_PARALLEL_LIMIT: how much may happen at once. 0 = no limit.
[[nodiscard]] int64_t parallel_limit(const Context& context);

}  // namespace berth::cli
