#pragma once

#include "base/result.h"
#include "cli/cmd_archives.h"
#include "cli/context.h"
#include "engine/state.h"

namespace berth::cli {

/// The container that is meant, running or not. Error: none of that name (with the nearest one), an id prefix of
/// several, a service without containers. Prints what is wrong with the compose file itself.
[[nodiscard]] Result<engine::Container> find_container(const Context& context, const ContainerChoice& choice);

}  // namespace berth::cli
