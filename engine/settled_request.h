#pragma once

#include <string>

#include "engine/json.h"

namespace berth::engine {

/// Changes nothing: answered when no command works on the project.
struct SettledRequest {
  static constexpr const char* kOp = "settled";
  std::string project;
};

[[nodiscard]] inline Json to_message(const SettledRequest& request) {
  return {{"op", SettledRequest::kOp}, {"selection", {{"project", request.project}}}};
}

}  // namespace berth::engine
