#pragma once

// What providers and berth say to each other: that of Docker Compose's providers (docs/providers.md).

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "compose/provider.h"

namespace berth::cli::provider {

/// A line of JSON that the provider has written.
struct Message {
  enum class Kind { info, error, debug, setenv, rawsetenv, get_service_config };
  Kind kind = Kind::info;
  std::string text;         // "" where it only asks
  std::string name, value;  // of setenv and rawsetenv
};
/// Error: no JSON, a kind that nobody knows, a variable without "=".
[[nodiscard]] Result<Message> parse_message(const std::string& line);

/// What a provider says about itself: `PROGRAM compose metadata`.
struct Metadata {
  struct Command {
    std::set<std::string> flags, required;
  };
  bool silent = true;  // says nothing that counts: it gets all flags
  Command up, down;
  std::optional<Command> stop;  // nothing: it cannot be stopped
};
/// Anything that is no metadata is silence: a provider need not have any.
[[nodiscard]] Metadata parse_metadata(const std::string& text);

/// Its arguments for up, down or stop: "compose --project-name=P up --type=mysql db". Error: a flag is missing that the
/// metadata asks for. Requires: metadata.stop, to stop.
[[nodiscard]] Result<std::vector<std::string>> arguments_for(const std::string& command, const std::string& project,
                                                             const std::string& service,
                                                             const compose::FlagValues& options,
                                                             const Metadata& metadata);

/// How the variables of a provider are called where it is needed: "db" and "URL" make "DB_URL".
[[nodiscard]] std::string prefixed(const std::string& service, const std::string& name);

}  // namespace berth::cli::provider
