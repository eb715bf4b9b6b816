#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/context.h"
#include "compose/model.h"
#include "engine/request.h"

namespace berth::cli {

struct AttachedOptions {
  bool no_color = false, no_prefix = false, timestamps = false;
  bool abort_on_exit = false, abort_on_failure = false;
  bool watch = false;  // files, from the start
  bool menu = false;   // keys, where there is a terminal
  std::string exit_code_from;
  std::vector<std::string> providers;  // services that they run, to be stopped with all the others
  std::function<void()> when_up;       // the request has been carried out, or has failed
};

/// Carries the request out and shows logs until everything has ended, or a signal: the first one stops, the second one
/// kills. Returns the exit code.
[[nodiscard]] int stay_attached(const Context& context, const compose::Project& project,
                                const engine::UpRequest& request, const AttachedOptions& options);

}  // namespace berth::cli
