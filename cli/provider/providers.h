#pragma once

#include <map>
#include <string>
#include <vector>

#include "cli/context.h"
#include "cli/plan_view.h"
#include "cli/signals.h"
#include "compose/model.h"
#include "engine/config.h"
#include "engine/plan_down.h"

// Services that have no container: a program brings them up and takes them down (docs/providers.md).

namespace berth::cli {

/// Has the providers of these services (no names: all; without `no_deps` also of what they depend on) brought up, one
/// after the other, and gives what depends on them in the stack the variables that they answer with. Of a provider that
/// is not chosen it takes those it has answered with last. Tells what it does and what goes wrong; returns the exit
/// code: 0, 1 or 130. In a dry run nothing is called, but what would be is added to `errands`.
[[nodiscard]] int bring_providers(const Context& context, const compose::Project& project,
                                  const std::vector<std::string>& services, bool no_deps, engine::Stack& stack,
                                  std::vector<Errand>& errands);

/// Has those of the selection's services taken down that are up, last first, and says so. Needs no file. Returns the
/// exit code; what one fails to take down stays on record.
[[nodiscard]] int take_down_providers(const Context& context, const engine::Selection& selection,
                                      const std::map<std::string, std::string>& environment);
/// What that would do.
void add_take_down(const Context& context, const engine::Selection& selection, std::vector<Errand>& errands);

/// Has those of the selection's services stopped that can be.
[[nodiscard]] int stop_providers(const Context& context, const engine::Selection& selection,
                                 const std::map<std::string, std::string>& environment, Signals& signals);

/// The services of these names that providers run, and of what they depend on.
[[nodiscard]] std::vector<std::string> provided_services(const compose::Project& project,
                                                         const std::vector<std::string>& services);

/// The services of the project that providers have brought up, as far as the records can be read.
[[nodiscard]] std::vector<std::string> recorded_providers(const Context& context, const std::string& project);

}  // namespace berth::cli
