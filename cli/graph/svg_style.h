#pragma once

#include <cstddef>
#include <string>

#include "cli/graph/formats.h"

namespace berth::cli::graph {

/// Networks have the classes network0, network1...
inline constexpr size_t kNetworkColours = 8;

/// The beginning of an SVG document with its colours and its background. `title` is escaped already.
[[nodiscard]] std::string svg_begin(double width, double height, const std::string& title, Theme theme);

}  // namespace berth::cli::graph
