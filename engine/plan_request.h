#pragma once

#include "engine/json.h"
#include "engine/plan.h"
#include "engine/state.h"
#include "runtime/cgroup.h"

namespace berth::engine {

/// What a request of the command line (engine/request.h) is planned to do, for what this kernel can do. The supervisor
/// carries it out; the command line asks for the same to show it (`berth plan`, --dry-run). Reads state files and the
/// kernel, changes nothing. `stack` becomes what containers are made from, where some are. Error: a request that is not
/// understood; what stands against the plan itself is in its `problems`.
[[nodiscard]] Result<Plan> plan_for(const Json& request, const StateStore& store, const runtime::CgroupMounts& groups,
                                    Stack& stack);

/// Adds to `observed` how the volumes of the stack that exist are defined.
void observe_volumes(const sys::Paths& paths, const Stack& stack, Observed& observed);

}  // namespace berth::engine
