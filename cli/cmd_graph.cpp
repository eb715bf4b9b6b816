#include <fmt/core.h>
#include <unistd.h>

#include <memory>

#include "cli/commands.h"
#include "cli/graph/formats.h"
#include "cli/output_file.h"
#include "cli/project.h"
#include "cli/unicode_locale.h"

namespace berth::cli {
namespace {

struct GraphFlags {
  std::vector<std::string> services;
  std::string format = "tree", output, theme = "auto";
};

/// The project for looking at only: what berth cannot do is drawn all the same.
std::optional<compose::Project> project_to_draw(const Context& context, const std::vector<std::string>& services) {
  compose::LoadRequest request = load_request(context);
  request.services = services;
  request.resolve_environment = false;  // files that nobody needs for a picture need not be there
  compose::DiskFiles files;
  Diagnostics diagnostics;
  diagnostics.tolerate_unsupported();
  std::optional<compose::Project> project = compose::load(request, files, diagnostics);
  if (diagnostics.has_errors()) fmt::print(stderr, "{}", diagnostics.render(context.colour(STDERR_FILENO)));
  return project;
}

std::string picture(const Context& context, const GraphFlags& flags, const graph::StackGraph& graph) {
  if (flags.format == "dot") return graph::to_dot(graph);
  if (flags.format == "mermaid") return graph::to_mermaid(graph);
  if (flags.format == "json") return graph::to_json(graph);
  if (flags.format == "svg") {
    const graph::Theme theme = flags.theme == "light"  ? graph::Theme::light
                               : flags.theme == "dark" ? graph::Theme::dark
                                                       : graph::Theme::automatic;
    return graph::to_svg(graph, theme);
  }
  const bool colour = flags.output.empty() && context.colour(STDOUT_FILENO);
  return graph::to_tree(graph, {unicode_locale(), colour});
}

int draw_graph(const Context& context, const GraphFlags& flags) {
  std::optional<compose::Project> project = project_to_draw(context, flags.services);
  if (!project) return 1;
  Result<graph::StackGraph> graph = graph::make_graph(*project, flags.services);
  if (!graph) return report(context, graph.error());
  const std::string text = picture(context, flags, *graph);
  if (!flags.output.empty()) return report(context, save_text(flags.output, text));
  fmt::print("{}", text);
  return 0;
}

}  // namespace

void add_graph(Command app, Context& context) {
  auto flags = std::make_shared<GraphFlags>();
  Command command = app.add_command("graph", "Draw services, what they need, networks, volumes and ports");
  command.option("SERVICE", flags->services, "Only these services and what they depend on");
  command.option("--format", flags->format, "Format of the picture (\"tree\"|\"dot\"|\"mermaid\"|\"svg\"|\"json\")")
      .one_of({"tree", "dot", "mermaid", "svg", "json"});
  command.option("-o,--output", flags->output, "Save to file");
  command
      .option("--theme", flags->theme, "Colours of an SVG (\"auto\"|\"light\"|\"dark\"); auto: as its viewer prefers")
      .one_of({"auto", "light", "dark"});
  command.dry_runs(context);
  command.runs(context, [&context, flags] { return draw_graph(context, *flags); });
}

}  // namespace berth::cli
