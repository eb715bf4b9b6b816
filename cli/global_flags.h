#pragma once

#include "cli/context.h"

namespace CLI {
class App;
}

namespace berth::cli {

/// What may stand before every command.
void add_global_flags(CLI::App& app, Context& context);

/// Parses the command line and runs the command it names. The exit code; of a command line that is wrong 1, after a
/// word on stderr.
[[nodiscard]] int parse_and_run(CLI::App& app, Context& context, int argc, char** argv);

}  // namespace berth::cli
