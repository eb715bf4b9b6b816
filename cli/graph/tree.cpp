#include <fmt/core.h>

#include <deque>

#include "base/text.h"
#include "cli/graph/formats.h"
#include "cli/graph/picture_text.h"

namespace berth::cli::graph {
namespace {

/// Deeper than this a service is shown in a tree of its own: lines have to fit somewhere, and a chain of services may
/// be as long as a file.
constexpr size_t kDeepest = 12;

constexpr const char *kBold = "1", *kDim = "2", *kGreen = "32", *kYellow = "33", *kCyan = "36";

struct Glyphs {
  const char *branch, *last, *line, *blank, *arrow, *times;
};
constexpr Glyphs kUnicode{"├── ", "└── ", "│   ", "    ", "→", "×"};
constexpr Glyphs kAscii{"|-- ", "`-- ", "|   ", "    ", "->", "x"};

struct TreeNode {
  std::string text;
  std::vector<TreeNode> below;
};

void draw_node(const TreeNode& node, const Glyphs& glyphs, const std::string& indent, std::string& text) {
  text += node.text + "\n";
  for (const TreeNode& child : node.below) {
    const bool last = &child == &node.below.back();
    text += indent + (last ? glyphs.last : glyphs.branch);
    draw_node(child, glyphs, indent + (last ? glyphs.blank : glyphs.line), text);
  }
}

class TreeMaker {
 public:
  TreeMaker(const StackGraph& graph, const Glyphs& glyphs, bool colour)
      : graph_(graph), glyphs_(glyphs), colour_(colour), shown_(graph.services.size()) {}

  TreeNode make() {
    TreeNode root{tinted(kBold, clean(graph_.project)), {}};
    for (size_t i = 0; i < graph_.services.size(); ++i) {
      if (graph_.services[i].needed_by.empty()) roots_.push_back(i);
    }
    while (!roots_.empty()) {
      const size_t place = roots_.front();
      roots_.pop_front();
      if (!shown_[place]) root.below.push_back(service(place, nullptr, 0));
    }
    if (!graph_.networks.empty()) root.below.push_back(networks());
    if (!graph_.volumes.empty()) root.below.push_back(volumes());
    return root;
  }

 private:
  [[nodiscard]] std::string tinted(const char* tint, const std::string& text) const {
    return colour_ && !text.empty() ? fmt::format("\033[{}m{}\033[0m", tint, text) : text;
  }

  /// `need`: why it stands where it stands; nullptr at the top.
  TreeNode service(size_t place, const Need* need, size_t depth) {
    const Service& service = graph_.services[place];
    TreeNode node{title(service), {}};
    if (need != nullptr) node.text += "  " + tinted(kGreen, gate(*need));
    if (shown_[place] || depth >= kDeepest) {
      node.text += tinted(kDim, shown_[place] ? "  (see above)" : "  (see below)");
      if (!shown_[place]) roots_.push_front(place);
      return node;
    }
    shown_[place] = true;
    node.below = details(service);
    for (const Need& one : service.needs) node.below.push_back(this->service(one.service, &one, depth + 1));
    return node;
  }

  [[nodiscard]] std::string title(const Service& service) const {
    std::string text = tinted(kBold, clean(service.name));
    if (service.replicas != 1) text += fmt::format(" {}{}", glyphs_.times, service.replicas);
    return text + "  " + tinted(kDim, clean(origin_of(service)));
  }

  [[nodiscard]] static std::string gate(const Need& need) {
    std::string text = std::string("must be ") + condition_word(need.condition);
    if (!need.required) text += ", optional";
    if (need.restart && !need.implicit) text += ", restarts with it";
    return "(" + text + ")";
  }

  [[nodiscard]] std::vector<TreeNode> details(const Service& service) const {
    std::vector<TreeNode> lines;
    for (const PublishedPort& port : service.ports)
      lines.push_back({"port " + tinted(kCyan, clean(port_text(port, glyphs_.arrow))), {}});
    for (const Mount& mount : service.mounts) lines.push_back({mount_line(mount), {}});
    if (!service.network_mode.empty()) lines.push_back({"network mode " + clean(service.network_mode), {}});
    if (service.networks.size() == 1) lines.push_back({"network " + clean(service.networks.front()), {}});
    if (service.networks.size() > 1) lines.push_back({"networks " + clean(join(service.networks, ", ")), {}});
    return lines;
  }

  [[nodiscard]] std::string mount_line(const Mount& mount) const {
    std::string text = std::string(compose::mount_type_name(mount.type)) + " ";
    if (!mount.source.empty()) {
      const std::string source = clean(mount.source);
      text += (is_named_volume(mount) ? tinted(kYellow, source) : source) + " " + glyphs_.arrow + " ";
    }
    return text + clean(mount.target) + (mount.read_only ? " (read-only)" : "");
  }

  [[nodiscard]] TreeNode networks() const {
    TreeNode node{tinted(kBold, "networks"), {}};
    for (const Network& network : graph_.networks) {
      std::string kind = network.name + ", " + network.driver;
      if (network.external) kind += ", external";
      if (network.internal) kind += ", internal";
      node.below.push_back(resource(network.key, kind, members_of(graph_, network)));
    }
    return node;
  }

  [[nodiscard]] TreeNode volumes() const {
    TreeNode node{tinted(kBold, "volumes"), {}};
    for (const Volume& volume : graph_.volumes) {
      std::string kind = volume.name;
      if (volume.driver != "local") kind += ", " + volume.driver;
      if (volume.external) kind += ", external";
      node.below.push_back(resource(volume.key, kind, users_of(graph_, volume)));
    }
    return node;
  }

  [[nodiscard]] TreeNode resource(const std::string& key, const std::string& kind,
                                  const std::vector<std::string>& used_by) const {
    return {clean(key) + "  " + tinted(kDim, "(" + clean(kind) + ")") + "  " + clean(join(used_by, ", ")), {}};
  }

  const StackGraph& graph_;
  const Glyphs& glyphs_;
  bool colour_;
  std::vector<bool> shown_;
  std::deque<size_t> roots_;  // still to be drawn
};

}  // namespace

std::string to_tree(const StackGraph& graph, const TreeStyle& style) {
  const Glyphs& glyphs = style.unicode ? kUnicode : kAscii;
  std::string text;
  draw_node(TreeMaker(graph, glyphs, style.colour).make(), glyphs, "", text);
  return text;
}

}  // namespace berth::cli::graph
