#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostics.h"
#include "dockerfile/path_pattern.h"

namespace berth::dockerfile {

/// What a .dockerignore keeps out of the context.
class IgnoreRules {
 public:
  /// Lines with patterns; `#` begins a remark, `!` takes back, the last that matches decides. Patterns count from the
  /// context's root, with or without a "/" in front.
  [[nodiscard]] static IgnoreRules parse(const std::string& name, const std::string& text, Diagnostics& diagnostics);

  /// Whether the path (relative to the context, without "./") is kept out: it or a directory around it matches.
  [[nodiscard]] bool ignores(std::string_view path) const;
  /// Whether an ignored directory must still be looked into, because something in it may have been taken back.
  [[nodiscard]] bool may_hold_exceptions() const { return has_exceptions_; }
  [[nodiscard]] bool empty() const { return rules_.empty(); }

 private:
  struct Rule {
    PathPattern pattern;
    bool exception = false;
  };
  std::vector<Rule> rules_;
  bool has_exceptions_ = false;
};

}  // namespace berth::dockerfile
