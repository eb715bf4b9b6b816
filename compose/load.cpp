#include "compose/load.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "base/text.h"
#include "compose/attrs.h"
#include "compose/parse.h"
#include "compose/passes.h"
#include "compose/select.h"

namespace berth::compose {
namespace {

/// The documents of all files, in the order of merging.
std::vector<Tree> parse_files(const Sources& sources, const LoadRequest& request, FileSource& files,
                              Diagnostics& diagnostics) {
  std::vector<Tree> documents;
  for (const std::string& path : sources.files) {
    bool is_stdin = path == "-";
    auto name =
        std::make_shared<const std::string>(is_stdin ? "<stdin>" : display_path(path, request.working_directory));
    Result<std::string> text = is_stdin ? files.read_stdin() : files.read(path);
    if (!text.ok()) {
      diagnostics.error({name, 0, 0, 0}, "cannot read this compose file: " + text.error().message());
      continue;
    }
    bool empty = true;
    size_t errors = diagnostics.error_count();
    std::vector<Tree> parsed = parse_yaml(name, *text, diagnostics);
    // A double key leaves a document behind that can be looked through for more; broken syntax does not.
    if (parsed.empty() && diagnostics.error_count() > errors) return {};
    for (Tree& document : parsed) {
      if (document.is_null()) continue;
      empty = false;
      if (document.is_map())
        documents.push_back(std::move(document));
      else
        diagnostics.error(document.span, fmt::format("a compose file is a map, not {}", kind_name(document.kind)));
    }
    if (empty) diagnostics.error({name, 0, 0, 0}, "empty compose file");
  }
  return documents;
}

void take_out_version(Tree& document, Diagnostics& diagnostics) {
  if (const Tree* version = document.find("version")) {
    diagnostics.warning(version->span, "`version` is obsolete and has no meaning");
    document.erase("version");
  }
}

/// `external: {name: x}` of old files is `external: true` with `name: x`.
void modernise_external(Tree& document, Diagnostics& diagnostics) {
  for (const char* kind : {"networks", "volumes", "secrets", "configs"}) {
    Tree* objects = document.find(kind);
    if (objects == nullptr) continue;
    for (Member& member : objects->members) {
      Tree* external = member.value.find("external");
      if (external == nullptr || !external->is_map()) continue;
      SourceSpan span = external->span;
      Tree name = external->find("name") != nullptr ? *external->find("name") : Tree::null();
      const Tree* old = member.value.find("name");
      if (old != nullptr && old->text != name.text) {
        diagnostics.error(span, fmt::format("{}.{}: name and external.name differ", kind, member.key));
      }
      diagnostics.warning(
          span, fmt::format("{}.{}: external.name is obsolete, write `external: true` and `name`", kind, member.key));
      *external = Tree::boolean(true, span);
      if (!name.is_null()) member.value.set("name", std::move(name));
    }
  }
}

/// Everything that happens to one document before it meets the others.
void prepare(Tree& document, const LoadRequest& request, const Sources& sources, std::vector<std::string>& warned,
             Diagnostics& diagnostics) {
  static const Path kRoot;
  Lookup lookup = lookup_in(sources.environment);
  if (request.interpolate) interpolate_tree(document, lookup, warned, diagnostics);
  // From here on there are no variables any more.
  take_out_version(document, diagnostics);
  object_to_long_form(document, project_table(), kRoot, diagnostics);
  modernise_external(document, diagnostics);
  // From here on each attribute has one form.
  if (request.resolve_paths) resolve_tree_paths(document, sources.project_directory, sources.environment);
}

Tree merge_documents(std::vector<Tree> documents, Diagnostics& diagnostics) {
  static const Path kRoot;
  Tree merged = Tree::map();
  for (Tree& document : documents) {
    if (merged.members.empty())
      merged = std::move(document);
    else
      merge_object(merged, std::move(document), project_table(), kRoot, diagnostics);
  }
  drop_resets(merged);
  drop_repetitions(merged, project_table());
  return merged;
}

Project bind(const Tree& merged, Diagnostics& diagnostics) {
  static const Path kRoot;
  Project project;
  decode_object({merged, kRoot, diagnostics}, project_table(), &project);
  if (merged.find("services") == nullptr && !diagnostics.has_errors()) {
    diagnostics.warning(merged.span, "no services are defined");
  }
  return project;
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
  fold_env_files(project, used, files, request.working_directory, diagnostics);
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
  std::optional<Sources> sources = find_sources(request, files, diagnostics);
  if (!sources) return std::nullopt;
  std::vector<Tree> documents = parse_files(*sources, request, files, diagnostics);
  if (documents.empty()) return std::nullopt;
  // From here on: trees that are maps, each node with its place, aliases and merge keys followed.

  std::string name = project_name(request, *sources, documents, diagnostics);
  sources->environment["COMPOSE_PROJECT_NAME"] = name;
  std::vector<std::string> warned;
  for (Tree& document : documents) prepare(document, request, *sources, warned, diagnostics);
  Tree merged = merge_documents(std::move(documents), diagnostics);

  Project project = bind(merged, diagnostics);
  // From here on: typed values, YAML is gone.
  project.name = name;
  project.working_dir = sources->project_directory;
  project.config_files = sources->files;
  project.environment_files = sources->environment_files;
  project.environment = std::move(sources->environment);
  project.profiles = active_profiles(request, project.environment);
  apply_profiles(project, request);
  if (request.check_consistency) validate(project, diagnostics);
  if (request.normalize) normalize(project);
  if (diagnostics.has_errors()) return std::nullopt;

  if (request.resolve_environment) fold_environment(project, request, files, diagnostics);
  if (diagnostics.has_errors()) return std::nullopt;
  return project;
}

}  // namespace berth::compose
