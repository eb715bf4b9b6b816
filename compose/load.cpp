#include "compose/load.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "base/text.h"
#include "compose/assemble.h"
#include "compose/attrs.h"
#include "compose/emit.h"
#include "compose/passes.h"
#include "compose/reader.h"
#include "compose/select.h"

namespace berth::compose {
namespace {

Project bind(const Tree& merged, Diagnostics& diagnostics) {
  static const Path kRoot;
  Project project;
  decode_object({merged, kRoot, diagnostics}, project_table(), &project);
  if (merged.find("services") == nullptr && !diagnostics.has_errors()) {
    diagnostics.warning(merged.span, "no services are defined");
  }
  return project;
}

void take_included_values(Project& project, const decltype(Model::included_values)& values) {
  auto take = [&](const char* kind, std::map<std::string, FileObject>& objects) {
    for (auto& [name, object] : objects) {
      auto known = values.find(fmt::format("{}.{}", kind, name));
      if (known != values.end() && object.environment == known->second.first) object.value = known->second.second;
    }
  };
  take("secrets", project.secrets);
  take("configs", project.configs);
}

Strings active_profiles(const LoadRequest& request, const Environment& environment) {
  if (!request.profiles.empty()) return request.profiles;
  Strings profiles;
  auto variable = environment.find("COMPOSE_PROFILES");
  if (variable == environment.end()) return profiles;
  for (const std::string& part : split(variable->second, ',')) {
    if (!trim(part).empty()) profiles.emplace_back(trim(part));
  }
  return profiles;
}

/// Docker Compose takes a profile that no service has in silence; most often its name is misspelt.
void check_profiles(const Project& project, const LoadRequest& request, const SourceSpan& variable,
                    Diagnostics& diagnostics) {
  const Strings known = profile_names(project);
  for (const std::string& name : project.profiles) {
    if (name == "*" || std::find(known.begin(), known.end(), name) != known.end()) continue;
    std::optional<std::string> near = nearest(name, known);
    bool for_others = request.profiles.empty() && !near;  // a variable may be meant for several projects
    if (for_others) continue;
    diagnostics.warning(variable, fmt::format("no service has the profile \"{}\"", printable(name)),
                        near ? fmt::format("did you mean \"{}\"?", *near) : std::string());
  }
}

void fold_environment(Project& project, const LoadRequest& request, FileSource& files, Diagnostics& diagnostics) {
  std::vector<std::string> used;
  if (request.services.empty()) {
    for (const auto& [name, unused] : project.services) used.push_back(name);
  } else {
    Result<std::vector<std::string>> selected = select_services(project, request.services, Follow::dependencies);
    if (!selected.ok()) return;  // the command itself reports a name that is no service
    used = std::move(*selected);
  }
  fold_files(project, used, files, request.working_directory, diagnostics);
}

}  // namespace

LoadRequest request_of_process() {
  LoadRequest request;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const char* equals = std::strchr(*entry, '=');
    if (equals != nullptr)
      request.environment.emplace(std::string(*entry, static_cast<size_t>(equals - *entry)), equals + 1);
  }
  if (char* directory = ::getcwd(nullptr, 0)) {
    request.working_directory = directory;
    std::free(directory);
  } else {
    request.working_directory = "/";
  }
  return request;
}

std::optional<Project> load(const LoadRequest& request, FileSource& files, Diagnostics& diagnostics) {
  std::optional<Model> model = load_model(request, files, diagnostics);
  if (!model) return std::nullopt;
  return bind_model(std::move(*model), request, files, diagnostics);
}

std::optional<Model> load_model(const LoadRequest& request, FileSource& files, Diagnostics& diagnostics) {
  std::optional<Sources> sources = find_sources(request, files, diagnostics);
  if (!sources) return std::nullopt;
  Scope& scope = sources->scope;
  if (request.resolve_paths) scope.base = scope.directory;
  Reader reader(files, request.working_directory, diagnostics);
  std::vector<Tree> documents;
  for (const std::string& path : sources->files) {
    for (Tree& document : reader.documents(path)) documents.push_back(std::move(document));
  }
  if (documents.empty()) return std::nullopt;
  // From here on: trees that are maps, each node with its place, aliases and merge keys followed.

  Model model;
  model.name = project_name(request, *sources, documents, diagnostics);
  scope.environment["COMPOSE_PROJECT_NAME"] = model.name;
  Assembly assembly(request, files, reader, diagnostics);
  model.tree = assembly.assemble(std::move(documents), scope, sources->files.front());
  // From here on: one tree in long form, without variables, `include` and `extends`.
  model.scope = std::move(scope);
  model.files = std::move(sources->files);
  model.environment_files = std::move(sources->environment_files);
  model.included_values = assembly.included_values();
  model.references = assembly.references();
  model.removed = assembly.removed();
  return model;
}

std::optional<Project> bind_model(Model model, const LoadRequest& request, FileSource& files,
                                  Diagnostics& diagnostics) {
  Project project = bind(model.tree, diagnostics);
  // From here on: typed values, YAML is gone.
  project.name = std::move(model.name);
  project.working_dir = std::move(model.scope.directory);
  project.config_files = std::move(model.files);
  project.environment_files = std::move(model.environment_files);
  project.environment = std::move(model.scope.environment);
  project.profiles = active_profiles(request, project.environment);
  take_included_values(project, model.included_values);
  auto variable = model.scope.places.find("COMPOSE_PROFILES");
  bool in_file = request.profiles.empty() && variable != model.scope.places.end();
  check_profiles(project, request, in_file ? variable->second : SourceSpan{}, diagnostics);
  apply_profiles(project, request);
  if (request.check_consistency) validate(project, diagnostics);
  if (request.normalize) normalize(project);
  if (diagnostics.has_errors()) return std::nullopt;

  if (request.resolve_environment) fold_environment(project, request, files, diagnostics);
  if (diagnostics.has_errors()) return std::nullopt;
  return project;
}

}  // namespace berth::compose
