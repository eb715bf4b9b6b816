#include <fmt/core.h>

#include "cli/graph/formats.h"
#include "cli/graph/picture_text.h"

namespace berth::cli::graph {
namespace {

/// What may stand between quotes. In labels Graphviz understands backslashes and entities of HTML.
std::string dot_escaped(const std::string& text) {
  std::string out;
  for (char c : clean(text)) {
    if (c == '&')
      out += "&amp;";
    else if (c == '"' || c == '\\')
      out += std::string("\\") + c;
    else
      out += c;
  }
  return out;
}

std::string dot_label(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += (text.empty() ? "" : "\\n") + dot_escaped(line);
  return "\"" + text + "\"";
}

std::string dot_service(const Service& service, size_t place) {
  std::vector<std::string> lines = box_lines(service);
  lines.insert(lines.begin(), box_title(service));
  return fmt::format("  s{} [shape=box, style=\"rounded,filled\", fillcolor=\"#e8f0fe\", label={}];\n", place,
                     dot_label(lines));
}

std::string dot_need(const Need& need, size_t place) {
  return fmt::format("  s{} -> s{} [label={}{}];\n", place, need.service, dot_label({gate_text(need)}),
                     need.required ? "" : ", style=dashed");
}

}  // namespace

std::string to_dot(const StackGraph& graph) {
  std::string text = "digraph " + dot_label({graph.project}) +
                     " {\n"
                     "  rankdir=LR;\n"
                     "  node [fontname=\"sans-serif\", fontsize=11];\n"
                     "  edge [fontname=\"sans-serif\", fontsize=9];\n";
  for (size_t i = 0; i < graph.services.size(); ++i) text += dot_service(graph.services[i], i);
  for (size_t i = 0; i < graph.networks.size(); ++i) {
    const Network& network = graph.networks[i];
    text += fmt::format("  n{} [shape=hexagon, style=filled, fillcolor=\"#e6f4ea\", label={}];\n", i,
                        dot_label({network.key, network.driver + (network.external ? ", external" : "")}));
  }
  for (size_t i = 0; i < graph.volumes.size(); ++i) {
    text += fmt::format("  v{} [shape=cylinder, style=filled, fillcolor=\"#fef7e0\", label={}];\n", i,
                        dot_label({graph.volumes[i].key}));
  }
  for (size_t i = 0; i < graph.services.size(); ++i) {
    for (const Need& need : graph.services[i].needs) text += dot_need(need, i);
  }
  for (const Link& link : network_links(graph))
    text += fmt::format("  s{} -> n{} [dir=none, style=dotted];\n", link.service, link.resource);
  for (const Link& link : volume_links(graph))
    text += fmt::format("  s{} -> v{} [dir=none, style=dotted, label={}];\n", link.service, link.resource,
                        dot_label({link.target}));
  return text + "}\n";
}

}  // namespace berth::cli::graph
