#include <fmt/core.h>
#include <unistd.h>

#include <memory>

#include "cli/commands.h"
#include "cli/project.h"
#include "compose/emit.h"
#include "compose/lint.h"

namespace berth::cli {
namespace {

std::string as_json(const std::vector<compose::Finding>& findings) {
  using compose::Tree;
  Tree list = Tree::list();
  for (const compose::Finding& finding : findings) {
    Tree& item = list.items.emplace_back(Tree::map());
    item.set("rule", Tree::string(std::string(finding.rule)));
    item.set("file", Tree::string(finding.span.file == nullptr ? "" : finding.span.file->name));
    item.set("line", Tree::integer(finding.span.line));
    item.set("column", Tree::integer(finding.span.column));
    item.set("message", Tree::string(finding.message));
    item.set("hint", Tree::string(finding.hint));
  }
  return compose::json_text(list, true) + "\n";
}

/// As the loader's own warnings look, with the line and a caret.
std::string as_text(const std::vector<compose::Finding>& findings, const Diagnostics& loaded, bool colour) {
  Diagnostics shown;
  for (const auto& [name, text] : loaded.sources()) shown.remember_source(name, text);
  for (const compose::Finding& finding : findings) {
    SourceSpan place = finding.span;
    if (place.file != nullptr) place.file = source_file(place.file->name);  // two rules may have found the same place
    shown.warning(place, fmt::format("{} [{}]", finding.message, finding.rule), finding.hint);
  }
  return shown.render(colour);
}

int run(const Context& context, const std::string& format) {
  compose::LoadRequest request = load_request(context);
  compose::DiskFiles files;
  Diagnostics diagnostics;
  diagnostics.tolerate_unsupported();
  std::optional<compose::Model> model = compose::load_model(request, files, diagnostics);
  std::optional<compose::Project> project;
  if (model && !diagnostics.has_errors()) project = compose::bind_model(*model, request, files, diagnostics);
  if (!project) {
    fmt::print(stderr, "{}", diagnostics.render(context.colour(STDERR_FILENO)));
    return 1;
  }
  std::vector<compose::Finding> findings = compose::lint(*model, *project, diagnostics);
  fmt::print("{}",
             format == "json" ? as_json(findings) : as_text(findings, diagnostics, context.colour(STDOUT_FILENO)));
  return findings.empty() ? 0 : 1;
}

std::string rules_text() {
  std::string text = "Rules:\n";
  for (const compose::LintRuleName& rule : compose::lint_rules()) {
    text += fmt::format("  {:<21} {}\n", rule.name, rule.about);
  }
  return text + "Exit status: 0 without findings, 1 with findings or where the files cannot be loaded.";
}

}  // namespace

void add_lint(Command app, Context& context) {
  auto format = std::make_shared<std::string>("text");
  Command command = app.add_command("lint", "Show what is allowed in the compose files but rarely meant");
  command.option("--format", *format, "Format the output").one_of({"text", "json"});
  command.footer(rules_text());
  command.runs(context, [&context, format] { return run(context, *format); });
}

}  // namespace berth::cli
