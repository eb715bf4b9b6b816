#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/command_line.h"
#include "cli/plan_view.h"
#include "compose/model.h"
#include "engine/config.h"

namespace berth::cli {

struct BringFlags {
  std::string policy;          // --pull: always, missing, never; empty or "policy": each service's own pull_policy
  bool quiet = false;          // --quiet-pull
  bool build = false;          // --build
  bool build_watched = false;  // the same for services that are watched
  bool no_build = false;
  bool quiet_build = false;
};

void add_bring_flags(Command command, BringFlags& flags);

/// Sees to it that the images of the stack's services are in the store, and notes in the stack what they are: builds
/// what has `build:` and is missing or asked for, pulls what the policies of the others ask for. One that is missing
/// and must not be pulled is not mentioned: whoever uses it says so. Tells what it does and what goes wrong. Returns
/// the exit code: 0, 1 or 130. In a dry run nothing is brought, but added to `errands`.
[[nodiscard]] int bring_images(const Context& context, const compose::Project& project, engine::Stack& stack,
                               const BringFlags& flags, std::vector<Errand>& errands);

/// Whether a policy (Compose's normal names) asks for a pull of an image that was last checked against its registry
/// `age` seconds ago (nothing: never) and is in the store or not.
[[nodiscard]] bool must_pull(const std::string& policy, bool present, std::optional<int64_t> age);

}  // namespace berth::cli
