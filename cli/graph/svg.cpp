#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "base/text.h"
#include "cli/graph/formats.h"
#include "cli/graph/layout.h"
#include "cli/graph/picture_text.h"
#include "cli/graph/svg_style.h"
#include "cli/table.h"

namespace berth::cli::graph {
namespace {

constexpr double kMargin = 24, kPadding = 12, kTitleSize = 14, kTextSize = 11, kTitleLine = 20, kLineHeight = 16;
constexpr double kChipHeight = 16, kChipGap = 6;
constexpr size_t kMostColumns = 44;  // of a line
constexpr size_t kMostLines = 10;    // of a box

/// Of text in a fixed-width font: none that is in use is wider than this part of its size.
double text_width(const std::string& text, double size) {
  constexpr double kColumn = 0.62;
  return static_cast<double>(display_width(text)) * kColumn * size;
}

std::string xml_escaped(const std::string& text) {
  std::string out;
  for (char c : clean(text)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string svg_text(double x, double y, const char* style, const std::string& text, const char* anchor = "start") {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" class=\"{}\" text-anchor=\"{}\">{}</text>\n", x, y, style, anchor,
                     xml_escaped(shortened(clean(text), kMostColumns)));
}

/// A network's name on its colour.
struct Chip {
  size_t network = 0;
  double x = 0, y = 0;  // within its box
};

struct Box {
  std::string title;
  std::vector<std::string> lines;
  std::vector<std::string> all;  // what a pointer that rests on it shows
  std::vector<Chip> chips;
  bool volume = false;
  Size size;
};

class SvgWriter {
 public:
  explicit SvgWriter(const StackGraph& graph) : graph_(graph) {}

  std::string write(Theme theme) {
    for (size_t i = 0; i < graph_.networks.size(); ++i) network_places_[graph_.networks[i].key] = i;
    for (const Service& service : graph_.services) boxes_.push_back(service_box(service));
    for (size_t i = 0; i < graph_.volumes.size(); ++i) boxes_.push_back(volume_box(i));
    add_edges();
    std::vector<Size> sizes;
    for (const Box& box : boxes_) sizes.push_back(box.size);
    layout_ = lay_out(sizes, edges_, {});
    top_ = kMargin + kTitleLine + kPadding;
    std::string body = svg_text(kMargin, kMargin + kTitleSize, "title", graph_.project);
    for (size_t i = 0; i < edges_.size(); ++i) body += edge(i);
    for (size_t i = 0; i < boxes_.size(); ++i) body += box(boxes_[i], layout_.boxes[i]);
    for (size_t i = 0; i < edges_.size(); ++i) body += gate(i);
    body += legend();
    return svg_begin(width_, height_, xml_escaped(graph_.project), theme) + body + "</svg>\n";
  }

 private:
  [[nodiscard]] Box service_box(const Service& service) const {
    Box box;
    box.title = box_title(service);
    box.lines = box_lines(service);
    for (const Mount& mount : service.mounts) {
      if (mount.type == compose::Mount::Type::bind || mount.type == compose::Mount::Type::image)
        box.lines.push_back(mount.source + " → " + mount.target);
    }
    finish(box);
    double right = kPadding, y = box.size.height - kPadding / 2;
    for (const std::string& key : service.networks) {
      const double wide = chip_width(key);
      if (right > kPadding && right + wide > std::max(box.size.width - kPadding, 200.0)) {
        right = kPadding;
        y += kChipHeight + kChipGap;
      }
      box.chips.push_back({network_places_.at(key), right, y});
      right += wide + kChipGap;
      box.size.width = std::max(box.size.width, right - kChipGap + kPadding);
    }
    if (!box.chips.empty()) box.size.height = y + kChipHeight + kPadding;
    return box;
  }

  [[nodiscard]] Box volume_box(size_t place) const {
    const Volume& volume = graph_.volumes[place];
    Box box;
    box.volume = true;
    box.title = volume.key;
    for (const Link& link : volume_links(graph_)) {
      if (link.resource == place && std::find(box.lines.begin(), box.lines.end(), link.target) == box.lines.end())
        box.lines.push_back(link.target);
    }
    if (volume.external) box.lines.emplace_back("external");
    finish(box);
    box.size.height += kPadding;  // the lid
    return box;
  }

  /// The size that its text needs, which is cut where it is too much.
  static void finish(Box& box) {
    std::erase(box.lines, "");
    box.all = box.lines;
    if (box.lines.size() > kMostLines) {
      const size_t more = box.lines.size() - kMostLines + 1;
      box.lines.resize(kMostLines - 1);
      box.lines.push_back(fmt::format("and {} more", more));
    }
    double wide = text_width(shortened(clean(box.title), kMostColumns), kTitleSize);
    for (const std::string& line : box.lines)
      wide = std::max(wide, text_width(shortened(clean(line), kMostColumns), kTextSize));
    box.size = {wide + 2 * kPadding, kTitleLine + static_cast<double>(box.lines.size()) * kLineHeight + 2 * kPadding};
  }

  void add_edges() {
    for (size_t i = 0; i < graph_.services.size(); ++i) {
      for (const Need& need : graph_.services[i].needs) {
        edges_.push_back({i, need.service});
        needs_.push_back(&need);
      }
    }
    std::vector<Edge> mounts;
    for (const Link& link : volume_links(graph_)) {
      const Edge edge{link.service, graph_.services.size() + link.resource};
      auto same = [&](const Edge& other) { return other.from == edge.from && other.to == edge.to; };
      if (std::none_of(mounts.begin(), mounts.end(), same)) mounts.push_back(edge);
    }
    edges_.insert(edges_.end(), mounts.begin(), mounts.end());
  }

  [[nodiscard]] const Need* need_of(size_t edge) const { return edge < needs_.size() ? needs_[edge] : nullptr; }

  /// The classes of what an edge is drawn with.
  [[nodiscard]] std::string look(size_t edge) const {
    const Need* need = need_of(edge);
    if (need == nullptr) return "mount";
    std::string look = condition_word(need->condition);
    return need->required ? look : look + " optional";
  }

  [[nodiscard]] std::string edge(size_t place) const {
    const std::vector<Point>& route = layout_.routes[place];
    std::string way = fmt::format("M{:.1f} {:.1f}", left(route[0]), top(route[0]));
    const double tip = need_of(place) == nullptr ? 0 : 8;
    for (size_t i = 1; i < route.size(); i += 2) {
      const Point &from = route[i], &to = route[i + 1];
      const double end = left(to) - (i + 2 >= route.size() ? tip : 0), middle = (left(from) + end) / 2;
      way += fmt::format(" H{:.1f} C{:.1f} {:.1f} {:.1f} {:.1f} {:.1f} {:.1f}", left(from), middle, top(from), middle,
                         top(to), end, top(to));
      if (i + 2 < route.size()) way += fmt::format(" H{:.1f}", left(route[i + 2]));
    }
    const std::string look = this->look(place);
    std::string text = fmt::format("<path class=\"edge {}\" d=\"{}\"/>\n", look, way);
    if (need_of(place) == nullptr) return text;
    const double x = left(route.back()), y = top(route.back());
    return text + fmt::format("<path class=\"tip {}\" d=\"M{:.1f} {:.1f} l-9 -4.5 v9 z\"/>\n", look, x, y);
  }

  /// What a service waits for, above the end of the arrow.
  [[nodiscard]] std::string gate(size_t place) const {
    const Need* need = need_of(place);
    if (need == nullptr || gate_text(*need).empty()) return "";
    const Point& end = layout_.routes[place].back();
    const std::string style = std::string("gate ") + condition_word(need->condition);
    return svg_text(left(end) - 12, top(end) - 4, style.c_str(), gate_text(*need), "end");
  }

  [[nodiscard]] std::string box(const Box& box, const Point& at) const {
    const double x = left(at), y = top(at), wide = box.size.width, high = box.size.height;
    std::string text = "<g><title>" + xml_escaped(box.title);
    for (const std::string& line : box.all) text += "\n" + xml_escaped(line);
    text += "</title>\n";
    if (box.volume) {
      text += fmt::format(
          "<path class=\"volume\" d=\"M{0:.1f} {1:.1f} v{2:.1f} a{3:.1f} 6 0 0 0 {4:.1f} 0 v-{2:.1f} a{3:.1f} 6 0 0 0 "
          "-{4:.1f} 0 a{3:.1f} 6 0 0 0 {4:.1f} 0\"/>\n",
          x, y + 6, high - 12, wide / 2, wide);
    } else {
      text += fmt::format(
          "<rect class=\"service\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" rx=\"6\"/>\n", x, y,
          wide, high);
    }
    double baseline = y + kPadding + kTitleSize + (box.volume ? kPadding - 2 : 0);
    text += svg_text(x + kPadding, baseline, "name", box.title);
    for (const std::string& line : box.lines) text += svg_text(x + kPadding, baseline += kLineHeight, "detail", line);
    for (const Chip& one : box.chips) text += chip(one.network, x + one.x, y + one.y);
    return text + "</g>\n";
  }

  [[nodiscard]] static double chip_width(const std::string& key) {
    return text_width(shortened(clean(key), kMostColumns), kTextSize) + kPadding;
  }

  [[nodiscard]] std::string chip(size_t network, double x, double y) const {
    const std::string& key = graph_.networks[network].key;
    return fmt::format(
               "<rect class=\"network{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" rx=\"8\"/>\n",
               network % kNetworkColours, x, y, chip_width(key), kChipHeight) +
           svg_text(x + kPadding / 2, y + kChipHeight - 4, "chip", key);
  }

  /// Below everything: what the networks are, and what an arrow says.
  std::string legend() {
    double y = top_ + layout_.size.height + kMargin, wide = layout_.size.width;
    std::string text;
    for (size_t i = 0; i < graph_.networks.size(); ++i) {
      const Network& network = graph_.networks[i];
      std::string about = network.name + ", " + network.driver;
      if (network.external) about += ", external";
      if (network.internal) about += ", internal";
      const double beside = kMargin + chip_width(network.key) + kChipGap;
      text += chip(i, kMargin, y) + svg_text(beside, y + kChipHeight - 4, "detail", about);
      wide = std::max(wide, beside + text_width(shortened(clean(about), kMostColumns), kTextSize));
      y += kChipHeight + kChipGap;
    }
    if (!needs_.empty()) {
      const std::string about = "a → b: a needs b, and waits until it is so";
      text += svg_text(kMargin, y + kChipHeight - 4, "detail", about);
      wide = std::max(wide, text_width(about, kTextSize));
      y += kChipHeight + kChipGap;
    }
    width_ = std::max(wide, text_width(shortened(clean(graph_.project), kMostColumns), kTitleSize + 2)) + 2 * kMargin;
    height_ = y + kMargin - kChipGap;
    return text;
  }

  [[nodiscard]] static double left(const Point& point) { return kMargin + point.x; }
  [[nodiscard]] double top(const Point& point) const { return top_ + point.y; }

  const StackGraph& graph_;
  std::map<std::string, size_t> network_places_;
  std::vector<Box> boxes_;  // of services, then of volumes
  std::vector<Edge> edges_;
  std::vector<const Need*> needs_;  // the first edges
  Layout layout_;
  double top_ = 0, width_ = 0, height_ = 0;
};

}  // namespace

std::string to_svg(const StackGraph& graph, Theme theme) {
  return SvgWriter(graph).write(theme);
}

}  // namespace berth::cli::graph
