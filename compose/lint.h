#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostics.h"
#include "compose/load.h"
#include "compose/model.h"

namespace berth::compose {

/// Something that is allowed and rarely meant.
struct Finding {
  std::string_view rule;  // "eaten-dollar"; "loading" for a warning of the loader itself
  SourceSpan span;
  std::string message;
  std::string hint;
  std::string covers;  // the loader's warning that says the same, if any
};

/// All traps that the files of a project step into, in the order of the files. `loaded` are the diagnostics that the
/// model was loaded with: its warnings are findings too, unless a rule says more of the same place.
[[nodiscard]] std::vector<Finding> lint(const Model& model, const Project& project, const Diagnostics& loaded);

/// Names of the rules and what each is about, for help texts and documentation.
struct LintRuleName {
  std::string_view name;
  std::string_view about;
};
[[nodiscard]] std::vector<LintRuleName> lint_rules();

}  // namespace berth::compose
