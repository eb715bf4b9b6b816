#include "cli/project.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/text.h"
#include "cli/provider/providers.h"
#include "compose/select.h"
#include "engine/lower.h"
#include "engine/state.h"
#include "sys/environment.h"

namespace berth::cli {
compose::LoadRequest load_request(const Context& context) {
  compose::LoadRequest request = compose::request_of_process();
  request.files = context.files;
  request.project_directory = context.project_directory;
  request.project_name = context.project_name;
  request.profiles = context.profiles;
  request.env_files = context.env_files;
  return request;
}

std::optional<compose::Project> load_project(const Context& context, const std::vector<std::string>& services) {
  compose::LoadRequest request = load_request(context);
  request.services = services;
  compose::DiskFiles files;
  Diagnostics diagnostics;
  std::optional<compose::Project> project = compose::load(request, files, diagnostics);
  fmt::print(stderr, "{}", diagnostics.render(context.colour(STDERR_FILENO)));
  return project;
}

std::optional<engine::Stack> make_stack(const Context& context, const compose::Project& project,
                                        const std::vector<std::string>& services, bool no_deps) {
  compose::Follow follow = no_deps ? compose::Follow::none : compose::Follow::dependencies;
  Result<std::vector<std::string>> chosen = compose::select_services(project, services, follow);
  if (!chosen) {
    print_error(context, chosen.error());
    return std::nullopt;
  }
  Diagnostics diagnostics;
  engine::Stack stack = engine::lower(project, *chosen, diagnostics, context.all_resources);
  fmt::print(stderr, "{}", diagnostics.render(context.colour(STDERR_FILENO)));
  if (diagnostics.has_errors()) return std::nullopt;
  if (context.compatibility) stack.separator = std::string(1, '_');
  return stack;
}

std::set<std::string> known_services(const compose::Project& project) {
  std::set<std::string> names;
  for (const auto& [name, service] : project.services) names.insert(name);
  for (const auto& [name, service] : project.disabled_services) names.insert(name);
  return names;
}

engine::StringMap disabled_services(const compose::Project& project) {
  engine::StringMap disabled;
  for (const auto& [name, service] : project.disabled_services) disabled[name] = service.profiles.front();
  return disabled;
}

Error no_such_service(const std::string& name, const std::vector<std::string>& known) {
  std::optional<std::string> near = nearest(name, known);
  return make_error("no such service: " + name, near ? "did you mean \"" + *near + "\"?" : "");
}

std::optional<Target> find_target(const Context& context) {
  std::string name =
      context.project_name.empty() ? sys::environment_variable("COMPOSE_PROJECT_NAME") : context.project_name;
  if (!name.empty() && context.files.empty() && sys::environment_variable("COMPOSE_FILE").empty()) {
    // A file is a help (order, services without containers), not a condition.
    compose::LoadRequest request = load_request(context);
    compose::DiskFiles files;
    Diagnostics quiet;
    return Target{name, compose::load(request, files, quiet)};
  }
  std::optional<compose::Project> project = load_project(context);
  if (!project) return std::nullopt;
  name = project->name;
  return Target{std::move(name), std::move(project)};
}

std::map<std::string, std::string> environment_of(const Target& target) {
  return target.file ? target.file->environment : compose::request_of_process().environment;
}

std::optional<engine::Selection> select(const Context& context, const Target& target,
                                        const std::vector<std::string>& services) {
  engine::Selection selection;
  selection.project = target.project;
  selection.services = {services.begin(), services.end()};
  if (services.empty()) return selection;
  std::vector<std::string> known;
  if (target.file) {
    for (const auto& [name, service] : target.file->services) known.push_back(name);
    for (const auto& [name, service] : target.file->disabled_services) known.push_back(name);
  }
  auto is_known = [&](const std::string& service) {
    return std::find(known.begin(), known.end(), service) != known.end();
  };
  if (std::all_of(services.begin(), services.end(), is_known)) return selection;  // without a look at the containers
  engine::Selection all{target.project, {}, true};
  engine::Observed observed = engine::StateStore(context.paths).observe();
  for (const engine::Container* container : engine::select(observed, all)) known.push_back(container->record.service);
  for (std::string& name : recorded_providers(context, target.project)) known.push_back(std::move(name));
  for (const std::string& service : services) {
    if (is_known(service)) continue;
    print_error(context, no_such_service(service, known));
    return std::nullopt;
  }
  return selection;
}

std::optional<engine::Selection> select(const Context& context, const std::vector<std::string>& services) {
  std::optional<Target> target = find_target(context);
  return target ? select(context, *target, services) : std::nullopt;
}

void print_error(const Context& context, const Error& error) {
  bool colour = context.colour(STDERR_FILENO);
  // Lines of an error are ours to break; what came from elsewhere inside them was made printable where it was put in.
  fmt::print(stderr, "{}error:{} {}\n", colour ? "\033[1;31m" : "", colour ? "\033[0m" : "", error.full());
}

int report(const Context& context, const Status& status) {
  if (status) return 0;
  print_error(context, status.error());
  return 1;
}

}  // namespace berth::cli
