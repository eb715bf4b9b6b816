#pragma once

#include <string>
#include <vector>

#include "engine/plan.h"

namespace berth::engine {

/// Who does not start because `failed` did not come off, and what each of them waited for, from the nearest on:
/// "shop-api-1 waited for shop-db-1 to be healthy". At most ten; a last line counts the rest.
[[nodiscard]] std::vector<std::string> blocked_by(const Plan& plan, StepId failed);

}  // namespace berth::engine
