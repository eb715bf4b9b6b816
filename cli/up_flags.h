#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/bring_images.h"
#include "cli/command_line.h"
#include "cli/plan_view.h"
#include "engine/request.h"

namespace berth::cli {

/// What `up`, `create`, `scale` and `plan` say of how the stack is to become as its file says.
struct ConvergeFlags {
  std::vector<std::string> services, scale;
  bool force_recreate = false, no_recreate = false, always_recreate_deps = false, renew_anon_volumes = false;
  bool no_deps = false, no_start = false, remove_orphans = false, yes = false;
  bool known_only = false;  // others than `services` and what they depend on are left alone, orphans too
  int64_t timeout = -1;     // seconds
  BringFlags bring;
};

/// Flags of `create` and all that are like it.
void add_create_flags(Command command, ConvergeFlags& flags);
/// Those that only have a meaning where containers are started, too.
void add_converge_flags(Command command, ConvergeFlags& flags);

/// The project as the stack that the flags ask for, with its images at hand; in a dry run those that would be brought
/// are `errands`. Asks whether volumes may be made anew. Prints what is wrong; `code` is then the command's exit code.
[[nodiscard]] std::optional<engine::UpRequest> prepare_up(const Context& context, const ConvergeFlags& flags,
                                                          std::vector<Errand>& errands, int& code);
/// The same where the project is at hand, loaded for the services of the flags.
[[nodiscard]] std::optional<engine::UpRequest> prepare_up(const Context& context, const compose::Project& project,
                                                          const ConvergeFlags& flags, std::vector<Errand>& errands,
                                                          int& code);

}  // namespace berth::cli
