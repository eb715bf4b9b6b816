#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace berth::images {

/// Gives the value of a variable, "" if it is not set.
using LookUp = std::function<std::string(const std::string&)>;

/// Splits like a Dockerfile does: blanks separate, quotes and backslashes protect, $NAME, ${NAME}, ${NAME:-word} and
/// ${NAME:+word} are replaced except between single quotes. Error: an open quote or brace.
[[nodiscard]] Result<std::vector<std::string>> split_words(std::string_view text, const LookUp& look_up);

/// The same replacement for a text that is one word, blanks and all.
[[nodiscard]] Result<std::string> expand_word(std::string_view text, const LookUp& look_up);

}  // namespace berth::images
