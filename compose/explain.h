#pragma once

#include <string>
#include <vector>

#include "base/diagnostics.h"
#include "base/result.h"
#include "compose/load.h"
#include "compose/model.h"

namespace berth::compose {

/// Where the value of a variable came from.
struct VariableOrigin {
  std::string name;
  std::string value;
  std::string from;  // ".env:3:1", "the environment", "the default in the expression", "not set"
};

/// One value on one place.
struct ValueOrigin {
  Tree value;
  std::string place;    // "compose.yaml:3:5"; "" = no file says it
  std::string written;  // the text of the file where it is another one
  std::vector<VariableOrigin> variables;
  std::vector<std::pair<std::string, std::string>> way;  // {"extended here", "compose.yaml:9:14"}, first step first
};

/// A value of the project and those that it took the place of, the latest first.
struct Explanation {
  std::string path;
  ValueOrigin origin;
  std::vector<ValueOrigin> overrode;
};

/// `config --explain`: each value at or below a path like "services.web.environment.FOO" or "services.web.ports[0]".
/// A short form is one value. `sources` are the diagnostics that the model was loaded with.
/// Error: there is nothing at that path; the hint names what is near.
[[nodiscard]] Result<std::vector<Explanation>> explain(const Model& model, const Project& project,
                                                       const Diagnostics& sources, const std::string& path);

[[nodiscard]] std::string explanation_text(const std::vector<Explanation>& explanations);
[[nodiscard]] std::string explanation_json(const std::vector<Explanation>& explanations);

}  // namespace berth::compose
