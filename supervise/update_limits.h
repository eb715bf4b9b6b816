#pragma once

#include <vector>

#include "engine/json.h"
#include "supervise/containers.h"

namespace berth::supervise {

/// Carries an engine::UpdateRequest out: first the kernel is told, then the record. Returns what went wrong, a
/// container of which has the limits it had; the others are changed. The hash of the configuration stays, so that the
/// next `up` leaves such a container alone.
[[nodiscard]] std::vector<Error> update_limits(const engine::Json& request, Containers& containers,
                                               const engine::StateStore& store);

}  // namespace berth::supervise
