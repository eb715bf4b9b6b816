#pragma once

#include <string>
#include <vector>

#include "cli/plan_view.h"
#include "cli/project.h"

namespace berth::cli {

/// Names of the images that `down --rmi` takes: "all" those of the selected services, "local" only what was built for
/// them without a name of its own. Without a file, containers and the images' labels say which those are.
[[nodiscard]] std::vector<std::string> images_of(const Context& context, const Target& target,
                                                 const engine::Selection& selection, bool all);

/// What others use stays, and is told of. The exit code.
[[nodiscard]] int remove_images(const Context& context, const std::vector<std::string>& names);

}  // namespace berth::cli
