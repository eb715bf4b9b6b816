#include "compose/load.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "base/text.h"
#include "compose/assemble.h"
#include "compose/attrs.h"
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

void take_included_values(Project& project, const Assembly::IncludedValues& values) {
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

/// What stands before values are understood: one tree in long form, without `include` and `extends`.
struct Assembled {
  Sources sources;
  std::string name;
  Tree model;
  Assembly::IncludedValues included_values;
};

std::optional<Assembled> assemble(const LoadRequest& request, FileSource& files, Diagnostics& diagnostics) {
  std::optional<Sources> sources = find_sources(request, files, diagnostics);
  if (!sources) return std::nullopt;
  Assembled result;
  result.sources = std::move(*sources);
  Scope& scope = result.sources.scope;
  if (request.resolve_paths) scope.base = scope.directory;
  Reader reader(files, request.working_directory, diagnostics);
  std::vector<Tree> documents;
  for (const std::string& path : result.sources.files) {
    for (Tree& document : reader.documents(path)) documents.push_back(std::move(document));
  }
  if (documents.empty()) return std::nullopt;
  // From here on: trees that are maps, each node with its place, aliases and merge keys followed.

  result.name = project_name(request, result.sources, documents, diagnostics);
  scope.environment["COMPOSE_PROJECT_NAME"] = result.name;
  Assembly assembly(request, files, reader, diagnostics);
  result.model = assembly.assemble(std::move(documents), scope, result.sources.files.front());
  result.included_values = assembly.included_values();
  return result;
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
  std::optional<Assembled> assembled = assemble(request, files, diagnostics);
  if (!assembled) return std::nullopt;
  Project project = bind(assembled->model, diagnostics);
  // From here on: typed values, YAML is gone.
  Scope& scope = assembled->sources.scope;
  project.name = assembled->name;
  project.working_dir = scope.directory;
  project.config_files = assembled->sources.files;
  project.environment_files = assembled->sources.environment_files;
  project.environment = std::move(scope.environment);
  project.profiles = active_profiles(request, project.environment);
  take_included_values(project, assembled->included_values);
  apply_profiles(project, request);
  if (request.check_consistency) validate(project, diagnostics);
  if (request.normalize) normalize(project);
  if (diagnostics.has_errors()) return std::nullopt;

  if (request.resolve_environment) fold_environment(project, request, files, diagnostics);
  if (diagnostics.has_errors()) return std::nullopt;
  return project;
}

std::optional<Tree> load_as_written(const LoadRequest& request, FileSource& files, Diagnostics& diagnostics) {
  LoadRequest as_written = request;
  as_written.interpolate = false;
  std::optional<Assembled> assembled = assemble(as_written, files, diagnostics);
  if (!assembled || diagnostics.has_errors()) return std::nullopt;
  assembled->model.set("name", Tree::string(assembled->name));
  if (request.normalize) normalize_as_written(assembled->model, assembled->name);
  return std::move(assembled->model);
}

}  // namespace berth::compose
