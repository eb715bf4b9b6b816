#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "compose/tree.h"

namespace berth::compose {

/// A value inside of a tree, and how it is called there.
struct Located {
  const Tree* tree = nullptr;
  std::string path;  // in its normal form: services.web.ports[0]
};

/// Follows "services.web.ports[0]" (also "ports.0"). Keys may hold dots: of several that fit, the longest is meant.
/// Error: which part is not there, and what is near it.
[[nodiscard]] Result<Located> locate(const Tree& root, std::string_view path);

}  // namespace berth::compose
