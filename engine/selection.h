#pragma once

#include "engine/plan_down.h"

namespace berth::engine {

/// `what` is a container's record, or an event.
[[nodiscard]] bool contains(const Selection& selection, const auto& what) {
  if (!selection.containers.empty()) return selection.containers.contains(what.id);
  return what.project == selection.project && (!what.one_off || selection.include_one_off) &&
         (selection.services.empty() || selection.services.contains(what.service));
}

}  // namespace berth::engine
