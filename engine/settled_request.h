#pragma once

#include <string>

#include "engine/json.h"
#include "engine/plan_down.h"

namespace berth::engine {

/// Changes nothing: answered when no command works on what is selected.
struct SettledRequest {
  static constexpr const char* kOp = "settled";
  Selection selection;
};

[[nodiscard]] inline Json to_message(const SettledRequest& request) {
  Json selection = {{"project", request.selection.project}, {"containers", request.selection.containers}};
  return {{"op", SettledRequest::kOp}, {"selection", std::move(selection)}};
}

}  // namespace berth::engine
