#pragma once

// Compose files made of a few lines, lowered: for the tests of lower().

#include <catch2/catch.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compose/load.h"
#include "compose/select.h"
#include "engine/lower.h"

namespace berth::test {

using Words = std::vector<std::string>;

struct Lowered {
  engine::Stack stack;
  Diagnostics diagnostics;

  [[nodiscard]] const engine::ContainerConfig& container(size_t service = 0) const {
    return stack.services.at(service).container;
  }
};

/// The stack of all services of a file /src/shop/compose.yaml.
inline Lowered lowered(const std::string& text, const std::map<std::string, std::string>& environment = {}) {
  Lowered result;
  compose::LoadRequest request;
  request.working_directory = "/src/shop";
  request.environment = environment;
  compose::MemoryFiles files({{"/src/shop/compose.yaml", text}, {"/src/shop/token", "t"}});
  std::optional<compose::Project> project = compose::load(request, files, result.diagnostics);
  INFO(result.diagnostics.render());
  REQUIRE(project);
  Result<Words> services = compose::select_services(*project, {}, compose::Follow::dependencies);
  REQUIRE(services);
  result.stack = engine::lower(*project, *services, result.diagnostics);
  return result;
}

/// A service `web` with these lines, without anything wrong.
inline Lowered web(const std::string& lines, const std::string& rest = "") {
  Lowered result = lowered("services:\n  web:\n    image: x\n" + lines + rest);
  INFO(result.diagnostics.render());
  CHECK_FALSE(result.diagnostics.has_errors());
  return result;
}

/// The only error, as "place: message".
inline std::string error_of(const Lowered& result) {
  REQUIRE(result.diagnostics.error_count() == 1);
  for (const Diagnostic& d : result.diagnostics.all()) {
    if (d.severity == Severity::error) return d.span.str() + ": " + d.message;
  }
  return "";
}

}  // namespace berth::test
