#pragma once

#include <string>
#include <string_view>

namespace CLI {
class App;
}

namespace berth::cli {

/// The end of the description of what others know and has no meaning here, which is how this table knows it.
inline constexpr std::string_view kMeaningless = "without meaning here";
/// The description of such a flag that help does not show.
inline constexpr const char* kIgnored = "taken, without meaning here";

/// All commands and flags, hidden ones too, for the tests, which ask what uses each (tests/flags/run). A line each of a
/// kind, the command's words ("" before any) and, of a flag, its names, with tabs between:
///
///     command   COMMAND            its flags may stand among its arguments
///     prefix    COMMAND            what begins with its first argument is another program's command line
///     flag      COMMAND   NAMES    names that mean the same have commas between
///     value     COMMAND   NAMES    one that takes a value
///     taken     COMMAND   NAMES    somebody else's, without meaning here; taken-value: with a value
[[nodiscard]] std::string flag_table(const CLI::App& app);

}  // namespace berth::cli
