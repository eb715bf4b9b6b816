#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/plan_update.h"
#include "supervise/task.h"

namespace berth::supervise {

/// What a rollout needs of the session that it happens in.
struct RolloutHooks {
  /// One plan on the host; with `undo` taken back if it fails. What went wrong.
  std::function<asio::awaitable<std::vector<Error>>(const engine::Plan& plan, bool undo)> carry_out;
  /// One that has to be carried out, cancelled or not.
  std::function<asio::awaitable<std::vector<Error>>(const engine::Plan& plan)> complete;
  std::function<void(const std::string& text)> warn;
  std::function<bool()> cancelled;
};

/// Replaces a service's containers as its update_config says: group by group, each taken back where it fails, and then
/// on, no further, or all the way back. Whatever happens, each number has one container in the end, the old or the new
/// one. What went wrong; failures that max_failure_ratio allows are warnings.
asio::awaitable<std::vector<Error>> roll_out(const engine::ServiceUpdate& update, const RolloutHooks& hooks);

}  // namespace berth::supervise
