#pragma once

#include <span>
#include <vector>

#include "compose/lint.h"
#include "compose/written.h"

namespace berth::compose {

/// What a rule looks at, and where it puts what it finds.
struct LintInput {
  const Model& model;
  const Project& project;  // services of all profiles are enabled in it
  const Written& written;
  const Diagnostics& loaded;

  /// What files of variables and shells around the project set.
  [[nodiscard]] bool is_set(const std::string& variable) const { return model.scope.environment.contains(variable); }
};

/// Called by a rule for each finding: place, message, hint.
class Report {
 public:
  Report(std::string_view rule, std::vector<Finding>& findings) : rule_(rule), findings_(findings) {}
  void operator()(const SourceSpan& span, std::string message, std::string hint, std::string covers = {}) const {
    findings_.push_back({rule_, span, std::move(message), std::move(hint), std::move(covers)});
  }

 private:
  std::string_view rule_;
  std::vector<Finding>& findings_;
};

/// One row per trap: adding a rule is a function and a row.
struct LintRule {
  std::string_view name;
  std::string_view about;
  void (*check)(const LintInput& input, const Report& report);
};

[[nodiscard]] std::span<const LintRule> rules_of_values();    // what YAML and variables make of a text
[[nodiscard]] std::span<const LintRule> rules_of_services();  // what services say of each other and of themselves
[[nodiscard]] std::span<const LintRule> rules_of_env_files();

}  // namespace berth::compose
