#pragma once

#include <string>

namespace CLI {
class App;
}

namespace berth::cli {

// Written from the definitions of commands and flags, so that they cannot fall behind.

/// The manual page berth(1), in man(7)'s language.
[[nodiscard]] std::string man_page(const CLI::App& app);

/// A completion script for "bash", "zsh" or "fish"; empty for any other shell. It asks `berth __complete` (complete.h).
[[nodiscard]] std::string completion_script(const std::string& shell);

}  // namespace berth::cli
