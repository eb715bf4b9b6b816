#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace berth::cli {

/// The command that this word names directly below `app`, or nothing.
[[nodiscard]] CLI::App* command_named(const CLI::App& app, const std::string& word);

/// The words of a command line behind the program's name, in which flags stand as CLI11 reads them where Go's pflag,
/// and so Docker, takes one form more: `-H=false` becomes `--human=false`, `-o=FILE` becomes `-o FILE`. Up to the first
/// word that is neither command nor flag, since what follows may be another program's (`exec`).
[[nodiscard]] std::vector<std::string> spelt_for_cli11(const CLI::App& app, int argc, const char* const* argv);

}  // namespace berth::cli
