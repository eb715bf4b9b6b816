#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "cli/command_line.h"

namespace berth::cli {

struct CopyFlags {
  bool of_service = true;      // else names are those of containers
  std::string source, target;  // NAME:PATH, a path of the host, or - for a tar
  bool archive = false, follow_link = false, all = false, quiet = false;
  int64_t index = 0;  // of the service's containers; 0: the first, or when copying to it all of them
};

using CopyCommand = std::function<Status(const CopyFlags&)>;

/// `cp` of a service's files, and below `container` of a container's.
void add_copy_commands(Command app, Context& context, const CopyCommand& copy);

}  // namespace berth::cli
