// How this works (after Sugiyama, Tagawa and Toda)
//
// 1. Columns: a box stands one column to the right of the last box that points to it.
// 2. An edge that crosses columns gets a place in each of them, as if there were a thin box, so that it runs between
// the
//    real ones.
// 3. Order in a column: a box moves to the mean of its neighbours' places (their barycentre), in sweeps from the left
//    and from the right. That is not the best order, but a good one.
// 4. Heights: a box is drawn to the mean height of its neighbours, as near as the order and the space between boxes
//    allow: least squares over a whole column at once (pool adjacent violators).
// 5. Lines that leave or reach one box do so beside each other, in the order of where they lead.

#include "cli/graph/layout.h"

#include <algorithm>
#include <limits>

namespace berth::cli::graph {
namespace {

/// Places for edges in columns that they cross, all together; beyond that edges take the straight way. It bounds the
/// work on a file that somebody has written to be laid out for hours.
constexpr size_t kMostPlaces = 20000;
constexpr int kSweeps = 12;

using Indices = std::vector<size_t>;

struct Node {
  Size size;
  size_t column = 0;
  double middle = 0;    // height of its centre
  Indices left, right;  // neighbours in the columns beside
};

class Layouter {
 public:
  Layouter(const std::vector<Size>& boxes, const std::vector<Edge>& edges, const Spacing& spacing)
      : boxes_(boxes.size()), edges_(edges), spacing_(spacing), nodes_(boxes.size()), ways_(edges.size()) {
    for (size_t i = 0; i < boxes.size(); ++i) nodes_[i].size = boxes[i];
  }

  Layout run() {
    choose_columns();
    cut_long_edges();
    fill_columns();
    for (int sweep = 0; sweep < kSweeps; ++sweep) order_columns(sweep % 2 == 0);
    for (Indices& column : columns_) stack(column);
    for (int sweep = 0; sweep < kSweeps; ++sweep) move_columns(sweep);
    return result();
  }

 private:
  void choose_columns() {
    std::vector<Indices> after(boxes_);
    std::vector<size_t> missing(boxes_);
    for (const Edge& edge : edges_) {
      after[edge.from].push_back(edge.to);
      ++missing[edge.to];
    }
    Indices ready;
    for (size_t i = 0; i < boxes_; ++i) {
      if (missing[i] == 0) ready.push_back(i);
    }
    const Indices sources = ready;
    for (size_t next = 0; next < ready.size(); ++next) {
      for (size_t to : after[ready[next]]) {
        nodes_[to].column = std::max(nodes_[to].column, nodes_[ready[next]].column + 1);
        if (--missing[to] == 0) ready.push_back(to);
      }
    }
    // What nobody points to stands beside what it points to, wherever that came to stand.
    for (size_t source : sources) {
      size_t nearest = 0;
      for (size_t to : after[source]) nearest = nearest == 0 ? nodes_[to].column : std::min(nearest, nodes_[to].column);
      if (nearest > 0) nodes_[source].column = nearest - 1;
    }
  }

  [[nodiscard]] size_t places_needed() const {
    size_t places = 0;
    for (const Edge& edge : edges_) places += nodes_[edge.to].column - nodes_[edge.from].column - 1;
    return places;
  }

  void cut_long_edges() {
    const bool cut = places_needed() <= kMostPlaces;
    for (size_t i = 0; i < edges_.size(); ++i) {
      size_t last = edges_[i].from;
      const size_t end = nodes_[edges_[i].to].column;
      for (size_t column = nodes_[last].column + 1; cut && column < end; ++column) {
        nodes_.push_back({{0, 0}, column, 0, {}, {}});
        join(last, nodes_.size() - 1);
        last = nodes_.size() - 1;
        ways_[i].push_back(last);
      }
      join(last, edges_[i].to);
    }
  }

  void join(size_t left, size_t right) {
    nodes_[left].right.push_back(right);
    nodes_[right].left.push_back(left);
  }

  void fill_columns() {
    for (size_t i = 0; i < nodes_.size(); ++i) {
      if (columns_.size() <= nodes_[i].column) columns_.resize(nodes_[i].column + 1);
      columns_[nodes_[i].column].push_back(i);
    }
    for (const Indices& column : columns_) number(column);
  }

  /// While the order is sought, `middle` is the place in the column.
  void number(const Indices& column) {
    for (size_t i = 0; i < column.size(); ++i) nodes_[column[i]].middle = static_cast<double>(i);
  }

  [[nodiscard]] double mean(const Node& node, const Indices& neighbours) const {
    if (neighbours.empty()) return node.middle;
    double sum = 0;
    for (size_t neighbour : neighbours) sum += nodes_[neighbour].middle;
    return sum / static_cast<double>(neighbours.size());
  }

  void order_columns(bool from_left) {
    for (size_t i = 0; i < columns_.size(); ++i) {
      Indices& column = columns_[from_left ? i : columns_.size() - 1 - i];
      std::vector<std::pair<double, size_t>> wished;
      for (size_t node : column) {
        const Indices& beside = from_left ? nodes_[node].left : nodes_[node].right;
        wished.emplace_back(mean(nodes_[node], beside), node);
      }
      std::stable_sort(wished.begin(), wished.end(), [](auto& a, auto& b) { return a.first < b.first; });
      for (size_t place = 0; place < column.size(); ++place) column[place] = wished[place].second;
      number(column);
    }
  }

  /// From the middle of `upper` to the middle of `lower`, which comes next below it: at least.
  [[nodiscard]] double distance(size_t upper, size_t lower) const {
    return (nodes_[upper].size.height + nodes_[lower].size.height) / 2 + spacing_.rows;
  }

  void stack(const Indices& column) {
    double at = 0;
    for (size_t i = 0; i < column.size(); ++i) {
      at = i == 0 ? nodes_[column[0]].size.height / 2 : at + distance(column[i - 1], column[i]);
      nodes_[column[i]].middle = at;
    }
  }

  void move_columns(int sweep) {
    const bool from_left = sweep % 2 == 0, last = sweep + 1 == kSweeps;
    for (size_t i = 0; i < columns_.size(); ++i) {
      const Indices& column = columns_[from_left ? i : columns_.size() - 1 - i];
      std::vector<double> wished;
      for (size_t node : column) {
        Indices beside = from_left ? nodes_[node].left : nodes_[node].right;
        const Indices& others = from_left ? nodes_[node].right : nodes_[node].left;
        if (last || beside.empty()) beside.insert(beside.end(), others.begin(), others.end());
        wished.push_back(mean(nodes_[node], beside));
      }
      place(column, wished);
    }
  }

  /// As near to what is wished as the distances allow. Without them (subtracted) the middles may only not decrease:
  /// what would is pooled, and gets the mean.
  void place(const Indices& column, const std::vector<double>& wished) {
    struct Pool {
      double sum = 0;
      size_t count = 0;
      [[nodiscard]] double mean() const { return sum / static_cast<double>(count); }
    };
    std::vector<double> offsets(column.size());
    std::vector<Pool> pools;
    for (size_t i = 0; i < column.size(); ++i) {
      if (i > 0) offsets[i] = offsets[i - 1] + distance(column[i - 1], column[i]);
      pools.push_back({wished[i] - offsets[i], 1});
      while (pools.size() > 1 && pools[pools.size() - 2].mean() > pools.back().mean()) {
        pools[pools.size() - 2].sum += pools.back().sum;
        pools[pools.size() - 2].count += pools.back().count;
        pools.pop_back();
      }
    }
    size_t i = 0;
    for (const Pool& pool : pools) {
      for (size_t end = i + pool.count; i < end; ++i) nodes_[column[i]].middle = pool.mean() + offsets[i];
    }
  }

  [[nodiscard]] Layout result() {
    Layout layout;
    double top = nodes_.empty() ? 0 : std::numeric_limits<double>::max(), bottom = 0;
    for (const Node& node : nodes_) {
      top = std::min(top, node.middle - node.size.height / 2);
      bottom = std::max(bottom, node.middle + node.size.height / 2);
    }
    std::vector<double> lefts, widths;
    double left = 0;
    for (const Indices& column : columns_) {
      double width = 0;
      for (size_t node : column) width = std::max(width, nodes_[node].size.width);
      lefts.push_back(left);
      widths.push_back(width);
      left += width + spacing_.columns;
    }
    for (Node& node : nodes_) node.middle -= top;
    for (size_t i = 0; i < boxes_; ++i)
      layout.boxes.push_back({lefts[nodes_[i].column], nodes_[i].middle - nodes_[i].size.height / 2});
    layout.size = {columns_.empty() ? 0 : left - spacing_.columns, bottom - top};
    const std::vector<double> leaving = heights(true), reaching = heights(false);
    for (size_t i = 0; i < edges_.size(); ++i) {
      const Node& from = nodes_[edges_[i].from];
      std::vector<Point> route{{lefts[from.column] + from.size.width, leaving[i]},
                               {lefts[from.column] + widths[from.column], leaving[i]}};
      for (size_t place : ways_[i]) {
        const Node& node = nodes_[place];
        route.push_back({lefts[node.column], node.middle});
        route.push_back({lefts[node.column] + widths[node.column], node.middle});
      }
      route.push_back({lefts[nodes_[edges_[i].to].column], reaching[i]});
      layout.routes.push_back(std::move(route));
    }
    return layout;
  }

  /// Where each edge leaves its box (or reaches it).
  [[nodiscard]] std::vector<double> heights(bool leaving) const {
    constexpr double kWidest = 16;
    std::vector<Indices> at_box(boxes_);
    for (size_t i = 0; i < edges_.size(); ++i) at_box[leaving ? edges_[i].from : edges_[i].to].push_back(i);
    std::vector<double> heights(edges_.size());
    for (size_t box = 0; box < boxes_; ++box) {
      Indices& here = at_box[box];
      auto other_end = [&](size_t edge) {
        if (!ways_[edge].empty()) return nodes_[leaving ? ways_[edge].front() : ways_[edge].back()].middle;
        return nodes_[leaving ? edges_[edge].to : edges_[edge].from].middle;
      };
      std::stable_sort(here.begin(), here.end(), [&](size_t a, size_t b) { return other_end(a) < other_end(b); });
      const auto count = static_cast<double>(here.size());
      const double step = std::min(kWidest, nodes_[box].size.height / (count + 1));
      for (size_t i = 0; i < here.size(); ++i)
        heights[here[i]] = nodes_[box].middle + (static_cast<double>(i) - (count - 1) / 2) * step;
    }
    return heights;
  }

  size_t boxes_;  // the first nodes; the others are places of edges
  const std::vector<Edge>& edges_;
  const Spacing& spacing_;
  std::vector<Node> nodes_;
  std::vector<Indices> ways_;  // for each edge, its places
  std::vector<Indices> columns_;
};

}  // namespace

Layout lay_out(const std::vector<Size>& boxes, const std::vector<Edge>& edges, const Spacing& spacing) {
  return Layouter(boxes, edges, spacing).run();
}

}  // namespace berth::cli::graph
