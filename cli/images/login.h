#pragma once

#include <string>

#include "base/result.h"
#include "cli/cmd_login.h"

namespace berth::cli {

/// Asks for what the flags do not say, has the registry check it, and stores it where Docker does.
[[nodiscard]] Status log_in(const LoginFlags& flags);

/// Forgets the login. Ok if there was none, and, as with Docker, if a helper does not let go of it: that is a warning.
[[nodiscard]] Status log_out(const std::string& server);

}  // namespace berth::cli
