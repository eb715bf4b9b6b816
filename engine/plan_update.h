#pragma once

// What `up` does where deploy.update_config says how a service's running containers are replaced: a group of them at a
// time, each group a plan of its own. Pure; supervise/rollout.h carries it out.

#include <vector>

#include "engine/plan.h"

namespace berth::engine {

/// How many groups the containers of the update make.
[[nodiscard]] size_t group_count(const ServiceUpdate& update);
/// Indices into update.replacements.
[[nodiscard]] std::vector<size_t> group(const ServiceUpdate& update, size_t number);

/// Makes the group's new containers, starts them and, once they are ready, stops the old ones; or the old ones first.
/// Everything can be taken back (plan_undo).
[[nodiscard]] Plan plan_group(const ServiceUpdate& update, size_t number);
/// The old containers of these groups take their places again (rollback_config), and the new ones go.
[[nodiscard]] std::vector<Plan> plan_put_back(const ServiceUpdate& update, const std::vector<size_t>& groups);
/// The delay after a group: nothing is done as long as its containers are ready.
[[nodiscard]] Plan plan_delay(const ServiceUpdate& update, size_t number);
/// Removes the old containers of these groups.
[[nodiscard]] Plan plan_finish(const ServiceUpdate& update, const std::vector<size_t>& groups);

/// What follows from a group that could not be replaced.
enum class AfterFailure { go_on, pause, roll_back };
/// `failed`: how many containers could not be replaced until now.
[[nodiscard]] AfterFailure after_failure(const ServiceUpdate& update, size_t failed);

}  // namespace berth::engine
