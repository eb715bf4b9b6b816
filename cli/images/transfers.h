#pragma once

#include "cli/cmd_transfer.h"
#include "cli/context.h"

namespace berth::cli {

// Each returns the command's exit code.

[[nodiscard]] int pull_image(const Context& context, const ImageTransferFlags& flags);
[[nodiscard]] int push_image(const Context& context, const ImageTransferFlags& flags);
/// Carries out the cli/transfer.h request on standard input.
[[nodiscard]] int transfer_images(const Context& context);

/// Downloads what the cli/transfer.h order on standard input says.
[[nodiscard]] int fetch_file(const Context& context);

}  // namespace berth::cli
