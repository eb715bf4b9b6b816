#pragma once

#include "cli/context.h"

namespace berth::cli {

/// For commands that print names as Docker's do, and no progress.
[[nodiscard]] inline Context without_progress(const Context& context) {
  Context quiet = context;
  quiet.progress = "quiet";
  return quiet;
}

}  // namespace berth::cli
