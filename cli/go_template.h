#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace berth::cli {

/// Go's templates as far as `--format` needs them: fields (`{{.Config.Env}}`, `{{$.Id}}`), range, if and else over
/// them, pipes, and the functions json, index, len, join, lower, upper, println, eq, ne, not, and, or. Values look as
/// Go prints them: `[a b]`, `map[k:v]`, `<nil>`.
class GoTemplate {
 public:
  using Json = nlohmann::ordered_json;

  /// Error: what is not understood, by its name.
  [[nodiscard]] static Result<GoTemplate> parse(std::string_view text);
  /// Error: a field that the data does not have, with the nearest that it has; a function with the wrong arguments.
  [[nodiscard]] Result<std::string> render(const Json& data) const;

  GoTemplate(GoTemplate&&) noexcept;
  GoTemplate& operator=(GoTemplate&&) noexcept;
  ~GoTemplate();

  struct Block;

 private:
  explicit GoTemplate(std::unique_ptr<Block> root);
  std::unique_ptr<Block> root_;
};

}  // namespace berth::cli
