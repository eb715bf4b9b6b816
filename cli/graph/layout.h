#pragma once

#include <cstddef>
#include <vector>

namespace berth::cli::graph {

// Where boxes and the lines between them go: columns from left to right, each box to the right of all that point to it.

struct Size {
  double width = 0, height = 0;
};
struct Point {
  double x = 0, y = 0;
};
struct Edge {
  size_t from = 0, to = 0;  // indices of boxes
};

struct Spacing {
  double columns = 90, rows = 28;  // between boxes
};

struct Layout {
  std::vector<Point> boxes;  // the upper left corner of each
  /// For each edge an odd number of points. From the first to the second, the third to the fourth and so on the line is
  /// straight, between all boxes; from the second to the third and so on it is on its way from one column to the next.
  std::vector<std::vector<Point>> routes;
  Size size;  // of the whole; it begins at 0, 0
};

/// Requires: no cycle. The same input gives the same layout.
[[nodiscard]] Layout lay_out(const std::vector<Size>& boxes, const std::vector<Edge>& edges, const Spacing& spacing);

}  // namespace berth::cli::graph
