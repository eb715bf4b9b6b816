#pragma once

#include "base/result.h"
#include "cli/attachment.h"
#include "cli/context.h"
#include "engine/state.h"

namespace berth::cli {

/// Starts a container in the background and stays attached to it: its exit code, or that of leaving it. Nothing if it
/// could not be started, which has been told. Error: it has gone before anybody could attach.
[[nodiscard]] Result<std::optional<int>> start_attached(const Context& context, const engine::ContainerRecord& record,
                                                        const AttachFlags& streams);

}  // namespace berth::cli
