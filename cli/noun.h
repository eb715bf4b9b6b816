#pragma once

#include <string>

namespace CLI {
class App;
}

namespace berth::cli {

/// The word below which Docker's commands on one kind of thing stand (`image ls`): image, container, system. Made at
/// the first call.
[[nodiscard]] CLI::App& noun(CLI::App& app, const std::string& name);

}  // namespace berth::cli
