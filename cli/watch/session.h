#pragma once

#include <string>

#include "cli/context.h"
#include "cli/watch/rules.h"
#include "compose/model.h"

namespace berth::cli {

struct WatchOptions {
  bool prune = true;   // images that a rebuild has left without a name go
  bool quiet = false;  // of builds only errors are shown
};

/// Follows the rules until SIGINT or SIGTERM comes. What it does is told on stdout, what goes wrong on stderr, and then
/// it goes on: a file that cannot be written or an image that cannot be built is mended by the next change. Returns the
/// exit code: 130 after a signal, 1 if the files cannot be watched at all.
[[nodiscard]] int watch_until_signal(const Context& context, const compose::Project& project, const WatchRules& rules,
                                     const WatchOptions& options);

}  // namespace berth::cli
