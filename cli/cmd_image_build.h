#pragma once

#include <functional>

#include "base/result.h"
#include "cli/build_job.h"
#include "cli/command_line.h"

namespace berth::cli {

/// `image build`, with the flags of `docker build`; done by berth-build, as with ArchiveCommands.
void add_image_build(Command noun, Context& context, const std::function<int(const Result<BuildOrder>&)>& run);

}  // namespace berth::cli
