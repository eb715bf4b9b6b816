#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/context.h"
#include "engine/state.h"

namespace berth::cli {

/// A process as ps(1) describes it, seen from the host.
struct Process {
  pid_t pid = 0, parent = 0;
  std::string user;         // its name on the host, else the number
  int64_t cpu_percent = 0;  // over its whole life
  std::string started;      // "14:03", or "Nov21" if that was another day
  std::string terminal;     // "pts/0", "?"
  std::string cpu_time;     // "00:01:07"
  std::string command;      // the whole command line; "[name]" where there is none
};

/// All processes of a running container, by pid. What ends meanwhile is left out. Error: its control group cannot be
/// read.
[[nodiscard]] Result<std::vector<Process>> processes_of(const Context& context, const engine::Container& container);

}  // namespace berth::cli
