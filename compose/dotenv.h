#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "compose/interpolate.h"

namespace berth::compose {

struct Variable {
  std::string name;
  std::string value;
  int line = 0;
};
/// In the order written; a name written twice stands in its first place with its last value.
using Variables = std::vector<Variable>;

/// A mistake in a file of variables.
struct DotenvError {
  int line = 0;
  std::string message;
};

/// Reads `.env` and `env_file` (format default). `lookup` is asked for variables inside values and for bare names,
/// before what the file itself has set so far. Names that nobody sets are appended to `unset`.
/// Nothing is returned but the error if a line is wrong.
[[nodiscard]] Result<Variables> parse_dotenv(std::string_view text, const Lookup& lookup,
                                             std::vector<std::string>& unset, DotenvError* error = nullptr);

/// Format raw: each `NAME=value` to the end of its line, no quotes, no variables.
[[nodiscard]] Result<Variables> parse_raw_env(std::string_view text, const Lookup& lookup,
                                              DotenvError* error = nullptr);

}  // namespace berth::compose
