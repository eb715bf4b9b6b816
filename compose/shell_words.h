#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace berth::compose {

/// A command line as words, quotes and backslashes as a shell reads them, nothing else: no variables, no globs.
struct ShellWords {
  std::vector<std::string> words;
  /// Where an unquoted `; & | < >` ended it (Docker Compose drops the rest); npos if nothing was dropped.
  size_t cut_at = std::string_view::npos;
};

/// Error: a quote that is not closed, or an unquoted parenthesis.
[[nodiscard]] Result<ShellWords> split_shell_words(std::string_view text);

}  // namespace berth::compose
