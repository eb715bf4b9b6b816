#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace berth::compose {

/// The value of a variable, or nothing where it is not set. Empty and unset differ.
using Lookup = std::function<std::optional<std::string>(std::string_view)>;

/// `$NAME`, `${NAME}`, `${NAME<op>WORD}` with op one of :- - :? ? :+ +, and `$$` for a dollar. WORD may hold variables
/// of its own and is looked at only if it is needed.
/// Names without a value and without a default become "" and are appended to `unset`.
/// Error: any other braced form, a required variable without a value, or an expansion over the limits.
[[nodiscard]] Result<std::string> interpolate(std::string_view text, const Lookup& lookup,
                                              std::vector<std::string>& unset);

/// A variable as a text names it.
struct VariableUse {
  std::string name;
  bool braced = false;
  bool required = false;                      // `?`
  std::optional<std::string> default_value;   // of `-`, as written
  std::optional<std::string> presence_value;  // of `+`, as written
};

/// The variables that a text names, those inside of words too, in the order written. What interpolate() refuses is left
/// out.
[[nodiscard]] std::vector<VariableUse> variables_in(std::string_view text);

}  // namespace berth::compose
