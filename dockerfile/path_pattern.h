#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace berth::dockerfile {

/// "/a//b/./c/../d/" as "a/b/d": no slash at either end; what leads above the root stays there.
[[nodiscard]] std::string clean_path(std::string_view path);

/// A pattern of paths as COPY and .dockerignore have it (Go's filepath.Match): `*` and `?` stop at "/", `[a-z]`,
/// `[^a]`,
/// `\` before a character that stands for itself; with `doubled` also `**`, which crosses "/".
class PathPattern {
 public:
  /// Error: a class or an escape without its end.
  [[nodiscard]] static Result<PathPattern> parse(std::string text, bool doubled);

  [[nodiscard]] bool matches(std::string_view path) const;
  [[nodiscard]] const std::string& text() const { return text_; }
  /// Whether it can match one path only: its own text.
  [[nodiscard]] bool is_plain() const { return text_.find_first_of("*?[\\") == std::string::npos; }

 private:
  PathPattern(std::string text, bool doubled) : text_(std::move(text)), doubled_(doubled) {}
  std::string text_;
  bool doubled_;
};

}  // namespace berth::dockerfile
