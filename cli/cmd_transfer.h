#pragma once

#include <functional>
#include <string>

#include "cli/command_line.h"

namespace berth::cli {

struct ImageTransferFlags {
  std::string name, platform;
  bool all_tags = false, quiet = false;
};

/// What carries images between registries and the store; done by berth-images, as with ArchiveCommands.
struct ImageTransferCommands {
  std::function<int(const ImageTransferFlags&)> pull, push;
};

/// `image pull` and `image push`.
void add_image_transfer_commands(Command noun, Context& context, const ImageTransferCommands& commands);

}  // namespace berth::cli
