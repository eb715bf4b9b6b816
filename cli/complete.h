#pragma once

#include <string>
#include <vector>

#include "cli/context.h"

namespace CLI {
class App;
}

namespace berth::cli {

/// A word that may stand at the cursor, and what it means.
struct Candidate {
  std::string word, about;
  bool operator==(const Candidate&) const = default;
};

/// What may stand in the place of the last of `words`, which are those behind the program's name, up to the cursor:
/// commands, flags, values of flags, services of the project that the line names, containers, images, networks,
/// volumes. None: nothing is known, so it may be a file. Never fails, and says nothing of what is wrong.
[[nodiscard]] std::vector<Candidate> complete(const CLI::App& app, const std::vector<std::string>& words,
                                              const sys::Paths& paths);

}  // namespace berth::cli
