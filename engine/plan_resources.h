#pragma once

// What `up` does about the networks and volumes of a stack. Pure.

#include <map>
#include <string>
#include <vector>

#include "engine/plan.h"
#include "engine/plan_up.h"

namespace berth::engine {

struct ResourceSteps {
  std::vector<StepId> ready;              // what containers wait for
  std::map<std::string, StepId> stopped;  // containers (by id) that stand still while something of theirs is made anew
  std::set<std::string> made;             // names of volumes
};

/// What is missing is made. What is defined otherwise now is made anew if only the project's own containers use it;
/// a volume, whose data are lost with that, if the options say so. Problems and warnings go to the plan.
[[nodiscard]] ResourceSteps plan_resources(const Stack& stack, const Observed& observed, const UpOptions& options,
                                           Plan& plan);

/// Volumes of the stack that are defined otherwise than they were made.
[[nodiscard]] std::vector<const VolumeConfig*> diverged_volumes(const Stack& stack, const Observed& observed);

}  // namespace berth::engine
