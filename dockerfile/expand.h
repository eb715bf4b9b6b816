#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostics.h"
#include "dockerfile/text.h"

namespace berth::dockerfile {

/// The value of a variable, or nothing where it is not set.
using Lookup = std::function<std::optional<std::string>(std::string_view name)>;

/// What `expand` reads with.
struct Expansion {
  Lookup lookup;
  char escape = '\\';
  Diagnostics& diagnostics;
  bool keep_quotes = false;  // a file's content: quotes are characters like others
};

/// The text with its variables replaced and its quotes and escapes taken off, as a Dockerfile's instructions have it:
/// $NAME, ${NAME}, ${NAME:-word} ${NAME-word} ${NAME:+word} ${NAME+word} ${NAME:?word} ${NAME?word},
/// ${NAME#pattern} ## % %%, ${NAME/pattern/word} and //. Reports mistakes at the text's place and goes on with what it
/// can make of them.
[[nodiscard]] std::string expand(const Text& text, const Expansion& how);

/// The same, split at blanks that came out of variables without quotes: EXPOSE $PORTS.
[[nodiscard]] std::vector<std::string> expand_words(const Text& text, const Expansion& how);

/// Without variables: only whether the form is right.
void check_expansion(const Text& text, char escape, Diagnostics& diagnostics);

/// Names of the variables that the text uses.
[[nodiscard]] std::vector<std::string> variables_in(const Text& text, char escape);

}  // namespace berth::dockerfile
