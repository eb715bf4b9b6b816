#include <catch2/catch.hpp>
#include <set>

#include "cli/graph/layout.h"

using namespace berth::cli::graph;

namespace {

bool overlap(const Point& a, const Size& size_a, const Point& b, const Size& size_b) {
  return a.x < b.x + size_b.width && b.x < a.x + size_a.width && a.y < b.y + size_b.height && b.y < a.y + size_a.height;
}

/// A stack of `count` services, each needing some of those before it; the same each time.
std::vector<Edge> some_edges(size_t count) {
  std::vector<Edge> edges;
  for (size_t i = 1; i < count; ++i) {
    std::set<size_t> needs{(i * 7) % i, (i * 3 + 1) % i, i / 2};
    for (size_t need : needs) edges.push_back({i, need});
  }
  return edges;
}

}  // namespace

TEST_CASE("no box lies on another one, and each is to the right of all that point to it") {
  std::vector<Size> boxes;
  for (size_t i = 0; i < 40; ++i)
    boxes.push_back({60.0 + static_cast<double>(i % 5) * 40, 30.0 + static_cast<double>(i % 3) * 25});
  const std::vector<Edge> edges = some_edges(boxes.size());
  const Layout layout = lay_out(boxes, edges, {});
  for (size_t a = 0; a < boxes.size(); ++a) {
    for (size_t b = a + 1; b < boxes.size(); ++b)
      CHECK_FALSE(overlap(layout.boxes[a], boxes[a], layout.boxes[b], boxes[b]));
    CHECK(layout.boxes[a].x >= 0);
    CHECK(layout.boxes[a].y >= 0);
    CHECK(layout.boxes[a].x + boxes[a].width <= layout.size.width);
    CHECK(layout.boxes[a].y + boxes[a].height <= layout.size.height);
  }
  for (const Edge& edge : edges) CHECK(layout.boxes[edge.from].x + boxes[edge.from].width < layout.boxes[edge.to].x);
}

TEST_CASE("where a line crosses a column it runs between the boxes") {
  std::vector<Size> boxes(30, {80, 40});
  const std::vector<Edge> edges = some_edges(boxes.size());
  const Layout layout = lay_out(boxes, edges, {});
  for (size_t i = 0; i < edges.size(); ++i) {
    const std::vector<Point>& route = layout.routes[i];
    REQUIRE(route.size() % 2 == 1);
    for (size_t at = 0; at + 1 < route.size(); at += 2) {
      CHECK(route[at].y == route[at + 1].y);
      CHECK(route[at].x <= route[at + 1].x);
      const Size line{route[at + 1].x - route[at].x, 0.1};
      for (size_t box = 0; box < boxes.size(); ++box)
        CHECK_FALSE(overlap(route[at], line, layout.boxes[box], boxes[box]));
    }
    CHECK(route.back().x == layout.boxes[edges[i].to].x);
  }
}

TEST_CASE("a file made to be laid out for hours is laid out") {
  constexpr size_t kCount = 1500;
  std::vector<Edge> all;  // each needs all before it: half a million columns crossed and more
  for (size_t i = 1; i < kCount; ++i) {
    for (size_t need = i % 3; need < i; need += 7) all.push_back({i, need});
    all.push_back({i, i - 1});
  }
  const Layout layout = lay_out(std::vector<Size>(kCount, {80, 40}), all, {});
  CHECK(layout.boxes.size() == kCount);
  CHECK(layout.boxes.back().x == 0);
}

TEST_CASE("nothing to lay out is no layout") {
  const Layout layout = lay_out({}, {}, {});
  CHECK(layout.size.width == 0);
  CHECK(layout.size.height == 0);
}
