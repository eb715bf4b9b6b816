#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/context.h"

namespace CLI {
class App;
}

namespace berth::cli {

struct ImportFlags {
  std::string source, name, message, platform;
  std::vector<std::string> changes;
};

struct LoadFlags {
  std::string input, platform;
  bool quiet = false;
};

/// What brings images in. It needs the decompressors, so a program of its own does it (berth-images), with the same
/// command line: `berth` says here that it goes on as that one, berth-images what is done.
struct ArchiveCommands {
  std::function<Status(const ImportFlags&)> import;
  std::function<Status(const LoadFlags&)> load;
};

/// `import` and `load`, below the program itself or below `image`.
void add_archive_commands(CLI::App& app, Context& context, const ArchiveCommands& commands);

}  // namespace berth::cli
