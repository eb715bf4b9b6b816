#include "compose/lint.h"

#include <fmt/core.h>

#include "golden_case.h"

using namespace berth;
using namespace berth::compose;
using namespace berth::compose::golden;

// findings.txt is what `lint` says of a project.

namespace {

std::string findings_of(const fs::path& directory) {
  MemoryFiles files = project_files(directory);
  LoadRequest request = request_for(directory);
  Diagnostics diagnostics;
  std::optional<Model> model = load_model(request, files, diagnostics);
  REQUIRE(model);
  std::optional<Project> project = bind_model(*model, request, files, diagnostics);
  INFO(diagnostics.render());
  REQUIRE(project);
  std::string text;
  for (const Finding& finding : lint(*model, *project, diagnostics)) {
    text += fmt::format("{}: {} [{}]\n    {}\n", finding.span.str(), finding.message, finding.rule, finding.hint);
  }
  return text;
}

}  // namespace

TEST_CASE("each project has the findings that are written beside it") {
  for (const fs::path& directory : cases("tests/compose/lint")) {
    compare(directory / "findings.txt", findings_of(directory));
  }
}

TEST_CASE("nothing is said of a project without traps") {
  CHECK(findings_of("tests/compose/lint/clean").empty());
}

TEST_CASE("each rule finds something in one of the projects") {
  std::string all;
  for (const fs::path& directory : cases("tests/compose/lint")) all += findings_of(directory);
  for (const LintRuleName& rule : lint_rules()) {
    INFO(rule.name);
    CHECK(all.find(fmt::format("[{}]", rule.name)) != std::string::npos);
  }
}
