#include "cli/container_choice.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"
#include "cli/project.h"
#include "engine/plan_down.h"

namespace berth::cli {
namespace {

Result<engine::Container> by_service(const Context& context, const ContainerChoice& choice) {
  std::optional<engine::Selection> selection = select(context, {choice.name});
  if (!selection) return make_error("no container was chosen");
  engine::Observed observed = engine::StateStore(context.paths).observe();
  std::vector<const engine::Container*> containers = engine::select(observed, *selection);
  if (choice.index > 0)
    std::erase_if(containers, [&](const engine::Container* c) { return c->record.number != choice.index; });
  auto first = std::min_element(containers.begin(), containers.end(),
                                [](auto* a, auto* b) { return a->record.number < b->record.number; });
  if (first != containers.end()) return **first;
  std::string which = choice.index > 0 ? fmt::format("{} (index {})", choice.name, choice.index) : choice.name;
  return make_error("service \"" + printable(which) + "\" has no container",
                    "make one with `berth up -d " + choice.name + "`");
}

}  // namespace

void choose_container(Command command, ContainerChoice& choice, bool of_service) {
  choice.of_service = of_service;
  if (!of_service) {
    command.option("CONTAINER", choice.name, "Name or id").required();
    return;
  }
  command.option("SERVICE", choice.name, "Service").required();
  command.option("--index", choice.index, "Index of the container if service has multiple replicas");
}

void choose_containers(Command command, std::vector<std::string>& names) {
  command.option("CONTAINER", names, "Names or ids").required();
}

std::vector<NamedContainer> find_containers(const Context& context, const std::vector<std::string>& names, int& code) {
  const engine::Observed observed = engine::StateStore(context.paths).observe();
  std::vector<NamedContainer> found;
  for (const std::string& name : names) {
    Result<engine::Container> container = find_container(observed, name);
    if (!container) {
      code = report(context, container.error());
      continue;
    }
    bool known = std::any_of(found.begin(), found.end(), [&](const NamedContainer& one) {
      return one.container.record.id == container->record.id;
    });
    if (!known) found.push_back({name, std::move(*container)});
  }
  return found;
}

Result<engine::Container> find_container(const Context& context, const ContainerChoice& choice) {
  return choice.of_service ? by_service(context, choice)
                           : find_container(engine::StateStore(context.paths).observe(), choice.name);
}

Result<engine::Container> find_container(const engine::Observed& observed, const std::string& name) {
  std::vector<std::string> names;
  const engine::Container* found = nullptr;
  for (const engine::Container& container : observed.containers) {
    if (container.record.name == name) return container;
    names.push_back(container.record.name);
    if (name.empty() || !container.record.id.starts_with(name)) continue;
    if (found != nullptr)
      return make_error("container id " + printable(name) + " is the beginning of several ids",
                        "give more digits of it");
    found = &container;
  }
  if (found != nullptr) return *found;
  std::optional<std::string> near = nearest(name, names);
  return make_error("No such container: " + printable(name), near ? "did you mean \"" + *near + "\"?" : "");
}

}  // namespace berth::cli
