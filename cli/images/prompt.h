#pragma once

#include <string>

#include "base/result.h"

namespace berth::cli {

/// Shows the text and reads a line from the terminal on standard input, without its end; unseen: without an echo.
[[nodiscard]] Result<std::string> ask(const std::string& text, bool unseen = false);

}  // namespace berth::cli
