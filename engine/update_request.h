#pragma once

#include "engine/json.h"
#include "engine/plan_down.h"

namespace berth::engine {

/// Other limits and restart policies for containers that exist, at once where they run.
struct UpdateRequest {
  static constexpr const char* kOp = "update";
  Selection selection;  // containers
  Json changes;         // a merge patch (RFC 7386) of their ContainerConfig: of `resources` and `restart`
};

[[nodiscard]] inline Json to_message(const UpdateRequest& request) {
  return {{"op", UpdateRequest::kOp},
          {"selection", {{"containers", request.selection.containers}}},
          {"changes", request.changes}};
}

}  // namespace berth::engine
