#pragma once

#include <cstdio>

#include "cli/context.h"
#include "sys/environment.h"

namespace berth::cli {

/// Where progress is shown: stderr, since stdout is for data, or stdout with COMPOSE_STATUS_STDOUT.
[[nodiscard]] inline FILE* status_stream() {
  static FILE* const stream = [] {
    if (!means_yes(sys::environment_variable("COMPOSE_STATUS_STDOUT"))) return stderr;
    setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);  // helpers write to it as well, each in its turn
    return stdout;
  }();
  return stream;
}

}  // namespace berth::cli
