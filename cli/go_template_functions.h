#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cli/go_template.h"

namespace berth::cli {

/// A value as Go's %v prints it.
[[nodiscard]] std::string go_text(const GoTemplate::Json& value);
/// What counts as true in if: neither zero nor empty nor null.
[[nodiscard]] bool is_true(const GoTemplate::Json& value);

[[nodiscard]] bool is_function_name(const std::string& word);
[[nodiscard]] std::vector<std::string> go_function_names();
/// Error: too few arguments, or of the wrong kind.
[[nodiscard]] Result<GoTemplate::Json> call_go_function(const std::string& name,
                                                        const std::vector<GoTemplate::Json>& arguments);

}  // namespace berth::cli
