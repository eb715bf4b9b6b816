#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/command_line.h"
#include "cli/container_choice.h"

namespace berth::cli {

struct ImportFlags {
  std::string source, name, message, platform;
  std::vector<std::string> changes;
};

struct LoadFlags {
  std::string input, platform;
  bool quiet = false;
};

struct SaveFlags {
  std::vector<std::string> images;
  std::string output;  // empty: standard output
};

struct ExportFlags {
  ContainerChoice container;
  std::string output;  // empty: standard output
};

struct CommitFlags {
  ContainerChoice container;
  std::string image, author, message;
  std::vector<std::string> changes;
  bool pause = true;
};

/// What reads and writes archives. It needs the decompressors, or reads much, so a program of its own does it
/// (berth-images), with the same command line: `berth` says here that it goes on as that one, berth-images what is
/// done.
struct ArchiveCommands {
  std::function<Status(const ImportFlags&)> import;
  std::function<Status(const LoadFlags&)> load;
  std::function<Status(const SaveFlags&)> save;
  std::function<Status(const ExportFlags&)> export_container;
  std::function<Status(const CommitFlags&)> commit;
};

/// All of them: `import`, `load` and `save` below the program itself and below `image`, `export` and `commit` of a
/// service below the program, of any container below `container`.
void add_archive_commands(Command app, Context& context, const ArchiveCommands& commands);

}  // namespace berth::cli
