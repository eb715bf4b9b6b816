#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace berth::cli {

// What a command line says that no command knows: told on stderr with the nearest that one does. Each returns the exit
// code.

/// There is no command `word` below `path`, "berth" or "berth image".
[[nodiscard]] int refuse_command(const CLI::App& app, const std::string& path, const std::string& word);

/// `words` are neither flags nor arguments of `command`, which stands somewhere below `root`.
[[nodiscard]] int refuse_words(const CLI::App& root, const CLI::App& command, const std::vector<std::string>& words);

[[nodiscard]] bool is_unknown_flag(const CLI::App& app, const std::string& word);

/// "berth image ls"
[[nodiscard]] std::string path_of(const CLI::App& command);

}  // namespace berth::cli
