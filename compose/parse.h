#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/diagnostics.h"
#include "compose/tree.h"

namespace berth::compose {

/// Bounds on what one file may become once its aliases are followed.
constexpr size_t kMaxNodes = 1'000'000;
constexpr size_t kMaxAliasNodes = 200'000;  // of these, made by aliases
constexpr size_t kMaxDepth = 100;

/// The documents of a YAML text. Aliases are followed, `<<` is merged, keys are strings and unique; a place is that of
/// the text, also below an alias. Stops at the first mistake of syntax, goes on after a double key.
/// Afterwards the diagnostics remember the text. No document is returned
/// after a mistake of syntax.
[[nodiscard]] std::vector<Tree> parse_yaml(const std::shared_ptr<const std::string>& file, const std::string& text,
                                           Diagnostics& diagnostics);

}  // namespace berth::compose
