#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "sys/fd.h"
#include "sys/pidfd.h"

namespace berth::sys {

/// A program of somebody else's that we talk with. It is told to end (SIGTERM) should our process go before it, and
/// belongs to our terminal: Ctrl-C reaches it as it reaches us. Whoever has it waits for its end: reap().
struct PipedChild {
  Pidfd process;
  UniqueFd in;        // what it reads; ours to write, without blocking
  UniqueFd out, err;  // what it writes; ours to read, without blocking
};

/// Starts it. `arguments` are those after its name, `environment` all that it has, each NAME=value. Requires: a process
/// of one thread. Error: "start PROGRAM".
[[nodiscard]] Result<PipedChild> start_piped(const std::string& program, std::vector<std::string> arguments,
                                             std::vector<std::string> environment);

}  // namespace berth::sys
