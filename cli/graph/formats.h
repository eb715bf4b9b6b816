#pragma once

#include <string>

#include "cli/graph/stack_graph.h"

namespace berth::cli::graph {

// A stack as text of some format. Each escapes names and paths as its format wants it, so that they are shown and do
// nothing else. The same stack gives the same bytes.

struct TreeStyle {
  bool unicode = true;  // lines and arrows; else ASCII
  bool colour = false;
};
/// For a terminal: services that nobody needs, below each what it has and what it needs; then networks and volumes.
[[nodiscard]] std::string to_tree(const StackGraph& graph, const TreeStyle& style);

/// For Graphviz.
[[nodiscard]] std::string to_dot(const StackGraph& graph);

/// A Mermaid flowchart.
[[nodiscard]] std::string to_mermaid(const StackGraph& graph);

enum class Theme { automatic, light, dark };  // automatic: as the viewer prefers
/// A picture that needs nothing else: no script, no font, nothing from elsewhere.
[[nodiscard]] std::string to_svg(const StackGraph& graph, Theme theme);

/// {"project", "services": [], "networks": [], "volumes": []}
[[nodiscard]] std::string to_json(const StackGraph& graph);

}  // namespace berth::cli::graph
