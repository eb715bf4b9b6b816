#pragma once

#include <string>

#include "cli/context.h"

namespace berth::cli {

// Under the name docker-compose berth behaves as that program does, also where Docker's command line calls it as its
// plugin.

/// The release of Docker Compose whose commands, flags and output berth has.
inline constexpr const char* kComposeVersion = "2.26.1";

/// Looks at the name we were called by, and takes away the word `compose` where it stands before the command (`docker
/// compose up`). False: Docker has asked what a plugin we are, and been answered; there is nothing more to do.
[[nodiscard]] bool take_program_name(Context& context, int& argc, char** argv);

/// What --version says.
[[nodiscard]] std::string version_line(const Context& context);

}  // namespace berth::cli
