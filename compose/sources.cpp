#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"
#include "compose/passes.h"
#include "compose/volume.h"

namespace berth::compose {
namespace {

constexpr const char* kBaseNames[] = {"compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"};
// The other way round than above; so it is in Docker Compose.
constexpr const char* kOverrideNames[] = {"compose.override.yml", "compose.override.yaml",
                                          "docker-compose.override.yml", "docker-compose.override.yaml"};

std::string value_of(const Environment& environment, const char* name) {
  auto found = environment.find(name);
  return found == environment.end() ? std::string() : found->second;
}

Strings words(const std::string& text, char separator) {
  Strings result;
  for (const std::string& part : split(text, separator)) {
    if (!trim(part).empty()) result.emplace_back(trim(part));
  }
  return result;
}

bool is_true(std::string text) {
  text = to_lower(text);
  return !text.empty() && text != "0" && text != "false" && text != "f";
}

class Finder {
 public:
  Finder(const LoadRequest& request, FileSource& files, Diagnostics& diagnostics)
      : request_(request),
        files_(files),
        diagnostics_(diagnostics),
        variable_files_(files, request.working_directory, diagnostics) {
    sources_.scope.environment = request.environment;
    sources_.scope.environment.try_emplace("PWD", request.working_directory);
  }

  std::optional<Sources> run() {
    size_t errors = diagnostics_.error_count();
    Strings env_files = request_.env_files;
    if (env_files.empty()) env_files = words(variable("COMPOSE_ENV_FILES"), ',');
    bool use_default = env_files.empty() && !is_true(variable("COMPOSE_DISABLE_ENV_FILE"));

    for (std::string& name : env_files) name = absolute(name);
    variable_files_.read_all(env_files, sources_.scope);
    if (use_default && request_.files.empty()) read_default(start());
    find_files();
    find_directory();
    if (use_default) read_default(sources_.scope.directory);
    if (diagnostics_.error_count() > errors) return std::nullopt;
    sources_.environment_files = variable_files_.read();
    return std::move(sources_);
  }

 private:
  [[nodiscard]] std::string absolute(const std::string& path) const {
    return absolute_path(path, request_.working_directory, {});
  }
  [[nodiscard]] std::string variable(const char* name) const { return value_of(sources_.scope.environment, name); }

  /// Where the search for files begins.
  [[nodiscard]] std::string start() const {
    return request_.project_directory.empty() ? request_.working_directory : absolute(request_.project_directory);
  }

  void read_default(const std::string& directory) {
    std::string path = clean_path(directory + "/.env");
    const Strings& read = variable_files_.read();
    if (std::find(read.begin(), read.end(), path) != read.end() || !files_.exists(path)) return;
    variable_files_.read_all({path}, sources_.scope);
  }

  void find_files() {
    Strings names = request_.files;
    if (names.empty()) {
      std::string separator = variable("COMPOSE_PATH_SEPARATOR");
      names = words(variable("COMPOSE_FILE"), separator.empty() ? ':' : separator[0]);
    }
    for (const std::string& name : names) {
      if (is_remote_file(name))
        diagnostics_.error({}, fmt::format("{} is not a file: compose files are read from this host only", name));
      else
        sources_.files.push_back(name == "-" ? name : absolute(name));
    }
    if (names.empty()) search_upward();
  }

  void search_upward() {
    for (std::string directory = start();; directory = parent_directory(directory)) {
      Strings found = existing(directory, kBaseNames);
      if (!found.empty()) return take(directory, found);
      if (directory == "/") break;
    }
    diagnostics_.error({}, fmt::format("no compose file in {} or above", start()),
                       "looked for compose.yaml, compose.yml, docker-compose.yml and docker-compose.yaml");
  }

  template <size_t N>
  Strings existing(const std::string& directory, const char* const (&names)[N]) {
    Strings found;
    for (const char* name : names) {
      std::string path = clean_path(directory + "/" + name);
      if (files_.exists(path)) found.push_back(path);
    }
    return found;
  }

  void take(const std::string& directory, const Strings& found) {
    if (found.size() > 1) {
      diagnostics_.warning({}, fmt::format("several compose files, {} is used, not {}", found[0], found[1]));
    }
    sources_.files.push_back(found[0]);
    Strings overrides = existing(directory, kOverrideNames);
    if (overrides.size() > 1) {
      diagnostics_.warning({}, fmt::format("several override files, {} is used, not {}", overrides[0], overrides[1]));
    }
    if (!overrides.empty()) sources_.files.push_back(overrides[0]);
  }

  void find_directory() {
    std::string& directory = sources_.scope.directory;
    bool given = !request_.project_directory.empty();
    if (given || sources_.files.empty() || sources_.files[0] == "-")
      directory = start();
    else
      directory = parent_directory(sources_.files[0]);
  }

  const LoadRequest& request_;
  FileSource& files_;
  Diagnostics& diagnostics_;
  VariableFiles variable_files_;
  Sources sources_;
};

bool is_normal_name(const std::string& name) {
  return !name.empty() && normal_project_name(name) == name;
}

}  // namespace

std::optional<Sources> find_sources(const LoadRequest& request, FileSource& files, Diagnostics& diagnostics) {
  return Finder(request, files, diagnostics).run();
}

std::string normal_project_name(std::string_view text) {
  std::string name = to_lower(text);
  std::erase_if(name,
                [](char c) { return !((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-'); });
  return name.substr(std::min(name.find_first_not_of("_-"), name.size()));
}

std::string project_name(const LoadRequest& request, const Sources& sources, const std::vector<Tree>& documents,
                         Diagnostics& diagnostics) {
  std::string given = request.project_name;
  if (given.empty()) given = value_of(sources.scope.environment, "COMPOSE_PROJECT_NAME");
  if (!given.empty()) {
    if (is_normal_name(given)) return given;
    diagnostics.error({}, fmt::format("\"{}\" is not a project name", given),
                      "lower-case letters, digits, \"-\" and \"_\", and a letter or digit first");
    return {};
  }
  for (auto document = documents.rbegin(); document != documents.rend(); ++document) {
    const Tree* name = document->find("name");
    if (name == nullptr || !name->is_string() || name->text.empty()) continue;
    std::vector<std::string> unset;
    Lookup lookup = lookup_in(sources.scope.environment);
    Result<std::string> text = interpolate(name->text, lookup, unset);
    if (text.ok() && !text->empty()) given = *text;  // a mistake in it is reported when the whole file is interpolated
    if (!given.empty()) break;
  }
  const std::string& directory = sources.scope.directory;
  std::string name = normal_project_name(given.empty() ? directory.substr(directory.rfind('/') + 1) : given);
  if (name.empty()) {
    diagnostics.error({}, "the project name must not be empty", "give one with -p NAME or `name:`");
  }
  return name;
}

}  // namespace berth::compose
