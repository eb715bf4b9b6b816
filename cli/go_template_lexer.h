#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace berth::cli {

/// A template cut into text and actions ({{…}}), and an action cut into words.
struct TemplatePiece {
  bool action = false;
  std::string text;                // of text; `{{-` and `-}}` have trimmed it
  std::vector<std::string> words;  // of an action; a string keeps its opening quote, which tells it from a name
};

/// Error: an action or a string that is not closed.
[[nodiscard]] Result<std::vector<TemplatePiece>> lex_template(std::string_view text);

}  // namespace berth::cli
