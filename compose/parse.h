#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/diagnostics.h"
#include "compose/tree.h"

namespace berth::compose {

/// Bounds on what the files of a project may become once their aliases are followed.
constexpr size_t kMaxNodes = 500'000;
constexpr size_t kMaxAliasNodes = 200'000;  // of these, made by aliases
constexpr size_t kMaxDepth = 100;

/// What was made so far, over all files of a run.
struct ParseBudget {
  size_t nodes = 0;
  size_t alias_nodes = 0;
};

/// The documents of a YAML text (UTF-8, without a byte order mark). Aliases are followed, `<<` is merged, keys are
/// strings and unique; a place is that of the text, and what an alias brought knows the alias. Goes on after a double
/// key; no document is returned after a mistake of syntax.
[[nodiscard]] std::vector<Tree> parse_yaml(const std::shared_ptr<const SourceFile>& file, const std::string& text,
                                           ParseBudget& budget, Diagnostics& diagnostics);

}  // namespace berth::compose
