#include <fmt/core.h>

#include "cli/graph/formats.h"
#include "cli/graph/picture_text.h"

namespace berth::cli::graph {
namespace {

/// What may stand between quotes: all that means something to Mermaid, Markdown or HTML goes as a character code.
std::string mermaid_escaped(const std::string& text) {
  constexpr std::string_view kPlain = " ._-/:,()=+@~×→";
  std::string out;
  for (char c : clean(text)) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = byte >= 0x80 || isalnum(byte) != 0 || kPlain.find(c) != std::string_view::npos;
    out += plain ? std::string(1, c) : fmt::format("#{};", byte);
  }
  return out;
}

std::string mermaid_label(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += (text.empty() ? "" : "<br/>") + mermaid_escaped(line);
  return "\"" + text + "\"";
}

std::string mermaid_service(const Service& service, size_t place) {
  std::vector<std::string> lines = box_lines(service);
  lines.insert(lines.begin(), box_title(service));
  return fmt::format("  s{}[{}]\n", place, mermaid_label(lines));
}

std::string mermaid_need(const Need& need, size_t place) {
  const std::string gate = gate_text(need);
  return fmt::format("  s{} {}{} s{}\n", place, need.required ? "-->" : "-.->",
                     gate.empty() ? "" : "|" + mermaid_label({gate}) + "|", need.service);
}

}  // namespace

std::string to_mermaid(const StackGraph& graph) {
  std::string text = "flowchart LR\n";
  for (size_t i = 0; i < graph.services.size(); ++i) text += mermaid_service(graph.services[i], i);
  for (size_t i = 0; i < graph.networks.size(); ++i)
    text += fmt::format("  n{}{{{{{}}}}}\n", i, mermaid_label({graph.networks[i].key}));
  for (size_t i = 0; i < graph.volumes.size(); ++i)
    text += fmt::format("  v{}[({})]\n", i, mermaid_label({graph.volumes[i].key}));
  for (size_t i = 0; i < graph.services.size(); ++i) {
    for (const Need& need : graph.services[i].needs) text += mermaid_need(need, i);
  }
  for (const Link& link : network_links(graph)) text += fmt::format("  s{} -.- n{}\n", link.service, link.resource);
  for (const Link& link : volume_links(graph))
    text += fmt::format("  s{} -.-|{}| v{}\n", link.service, mermaid_label({link.target}), link.resource);
  return text;
}

}  // namespace berth::cli::graph
