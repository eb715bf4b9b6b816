#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cli/context.h"
#include "compose/load.h"
#include "compose/model.h"
#include "engine/plan_down.h"

namespace berth::cli {

/// The compose request that the global flags stand for.
[[nodiscard]] compose::LoadRequest load_request(const Context& context);

/// Loads the project and prints everything that is wrong or doubtful to stderr. Nothing if it cannot be used.
[[nodiscard]] std::optional<compose::Project> load_project(const Context& context,
                                                           const std::vector<std::string>& services = {});

/// The stack of these services and, unless `no_deps`, of what they depend on, which comes first. `project` has been
/// loaded; prints what is wrong.
[[nodiscard]] std::optional<engine::Stack> make_stack(const Context& context, const compose::Project& project,
                                                      const std::vector<std::string>& services, bool no_deps);

/// All services that the project knows, enabled or not: containers of these are no orphans.
[[nodiscard]] std::set<std::string> known_services(const compose::Project& project);

/// "no such service: wbe", with the nearest of those that are there as hint.
[[nodiscard]] Error no_such_service(const std::string& name, const std::vector<std::string>& known);

/// Services that no active profile enables, each with a profile that would.
[[nodiscard]] engine::StringMap disabled_services(const compose::Project& project);

/// What a command that works on existing containers is about: the project's name, and its file where there is one.
struct Target {
  std::string project;
  std::optional<compose::Project> file;
};
/// Its variables: with what .env adds, where there is a file; else the process's own.
[[nodiscard]] std::map<std::string, std::string> environment_of(const Target& target);
/// With `-p` (or COMPOSE_PROJECT_NAME) no file is needed. Prints what is wrong.
[[nodiscard]] std::optional<Target> find_target(const Context& context);

/// Checks names of services from the command line against the file, else against the project's containers. Prints and
/// returns nothing for an unknown one.
[[nodiscard]] std::optional<engine::Selection> select(const Context& context, const Target& target,
                                                      const std::vector<std::string>& services);

/// The same for commands to which the file is nothing but this.
[[nodiscard]] std::optional<engine::Selection> select(const Context& context, const std::vector<std::string>& services);

/// Prints an Error as every command does.
void print_error(const Context& context, const Error& error);

/// The exit code of a command that only can work or not: 0, or 1 with its error printed.
[[nodiscard]] int report(const Context& context, const Status& status);

}  // namespace berth::cli
