#pragma once

#include <catch2/catch.hpp>
#include <string>

#include "engine/plan_up.h"

namespace berth::test {

/// The plan of an `up` without problems, as text.
inline std::string up(const engine::Stack& stack, const engine::Observed& observed,
                      const engine::UpOptions& options = {}) {
  engine::Plan plan = engine::plan_up(stack, observed, options);
  CHECK(plan.problems.empty());
  return to_text(plan);
}

}  // namespace berth::test
