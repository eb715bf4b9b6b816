#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cli/command_line.h"
#include "engine/state.h"

namespace berth::cli {

/// Which container: a service of the project (Compose's form) or a container by name or id (Docker's).
struct ContainerChoice {
  bool of_service = true;
  std::string name;
  int64_t index = 0;  // of the service's containers; 0: the first
};

/// Adds the argument SERVICE and the flag --index, or CONTAINER.
void choose_container(Command command, ContainerChoice& choice, bool of_service);

/// The arguments CONTAINER..., names or ids.
void choose_containers(Command command, std::vector<std::string>& names);

/// Those that are there, in the order in which they are named, each once; tells of the others, for which `code`
/// becomes 1.
struct NamedContainer {
  std::string name;  // as the user has it
  engine::Container container;
};
[[nodiscard]] std::vector<NamedContainer> find_containers(const Context& context, const std::vector<std::string>& names,
                                                          int& code);

/// The container that is meant, running or not. Error: none of that name (with the nearest one), an id prefix of
/// several, a service without containers. Prints what is wrong with the compose file itself.
[[nodiscard]] Result<engine::Container> find_container(const Context& context, const ContainerChoice& choice);

/// The same among those that have been observed, by name or the beginning of an id.
[[nodiscard]] Result<engine::Container> find_container(const engine::Observed& observed, const std::string& name);

}  // namespace berth::cli
