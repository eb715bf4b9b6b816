#pragma once

#include <string>
#include <vector>

namespace berth::cli {

/// A command line and what it is for. Help and the manual show them.
struct Example {
  const char *line, *meaning;
};

/// The examples of a command: "berth up", "berth image ls". None for nouns.
[[nodiscard]] std::vector<Example> examples_of(const std::string& path);

/// As help shows them, or "" where there are none.
[[nodiscard]] std::string examples_text(const std::string& path);

}  // namespace berth::cli
