#include "compose/lint.h"

#include <algorithm>
#include <set>

#include "compose/lint_rules.h"

namespace berth::compose {
namespace {

std::vector<LintRule> all_rules() {
  std::vector<LintRule> rules;
  for (std::span<const LintRule> part : {rules_of_values(), rules_of_env_files(), rules_of_services()}) {
    rules.insert(rules.end(), part.begin(), part.end());
  }
  return rules;
}

/// A place by which findings are put in order and compared. Files in the order of the command line cannot be told from
/// names alone, so they are in alphabetical order.
std::tuple<std::string, int, int> key_of(const SourceSpan& span) {
  return {span.file == nullptr ? std::string() : span.file->name, span.line, span.column};
}

/// The loader's warnings, but for those that are about us and those that a rule says better.
void add_warnings(const Diagnostics& loaded, std::vector<Finding>& findings) {
  std::set<std::tuple<std::string, int, int>> places;
  std::set<std::string> covered;
  for (const Finding& finding : findings) {
    places.insert(key_of(finding.span));
    covered.insert(finding.covers);
  }
  for (const Diagnostic& diagnostic : loaded.all()) {
    if (diagnostic.severity != Severity::warning || diagnostic.ours || covered.contains(diagnostic.message)) continue;
    if (diagnostic.span.known() && places.contains(key_of(diagnostic.span))) continue;
    findings.push_back({"loading", diagnostic.span, diagnostic.message, diagnostic.suggestion, {}});
  }
}

}  // namespace

std::vector<Finding> lint(const Model& model, const Project& project, const Diagnostics& loaded) {
  Project all = project;
  all.services.insert(project.disabled_services.begin(), project.disabled_services.end());
  Written written(model.tree, loaded);
  LintInput input{model, all, written, loaded};
  std::vector<Finding> findings;
  for (const LintRule& rule : all_rules()) rule.check(input, Report(rule.name, findings));
  add_warnings(loaded, findings);
  std::stable_sort(findings.begin(), findings.end(),
                   [](const Finding& a, const Finding& b) { return key_of(a.span) < key_of(b.span); });
  // A service that many extend is one text.
  auto same = [](const Finding& a, const Finding& b) { return a.rule == b.rule && key_of(a.span) == key_of(b.span); };
  findings.erase(std::unique(findings.begin(), findings.end(), same), findings.end());
  return findings;
}

std::vector<LintRuleName> lint_rules() {
  std::vector<LintRuleName> names;
  for (const LintRule& rule : all_rules()) names.push_back({rule.name, rule.about});
  return names;
}

}  // namespace berth::compose
