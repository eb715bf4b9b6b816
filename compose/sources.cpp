#include <fmt/core.h>

#include <algorithm>
#include <cerrno>

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

std::string parent_of(const std::string& path) {
  size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

SourceSpan whole_file(const std::string& name) {
  return {std::make_shared<const std::string>(name), 0, 0, 0};
}

class Finder {
 public:
  Finder(const LoadRequest& request, FileSource& files, Diagnostics& diagnostics)
      : request_(request), files_(files), diagnostics_(diagnostics) {
    sources_.environment = request.environment;
    sources_.environment.try_emplace("PWD", request.working_directory);
  }

  std::optional<Sources> run() {
    size_t errors = diagnostics_.error_count();
    Strings env_files = request_.env_files;
    if (env_files.empty()) env_files = words(value_of(sources_.environment, "COMPOSE_ENV_FILES"), ',');
    bool use_default = env_files.empty() && value_of(sources_.environment, "COMPOSE_DISABLE_ENV_FILE").empty();

    read_explicit(env_files);
    if (use_default && request_.files.empty()) read_default(request_.working_directory);
    find_files();
    find_directory();
    if (use_default) read_default(sources_.project_directory);
    if (diagnostics_.error_count() > errors) return std::nullopt;
    return std::move(sources_);
  }

 private:
  [[nodiscard]] std::string absolute(const std::string& path) const {
    return absolute_path(path, request_.working_directory, {});
  }

  /// Later files win over earlier ones, and the process over all of them.
  void read_explicit(const Strings& names) {
    Environment values;
    for (const std::string& name : names) {
      std::string path = absolute(name);
      Result<std::string> text = files_.read(path);
      if (!text.ok()) {
        diagnostics_.error(whole_file(name), fmt::format("cannot read this env file: {}", text.error().message()));
        continue;
      }
      for (auto& [key, value] : parse(path, *text, values)) values[key] = value;
    }
    sources_.environment.merge(values);
  }

  void read_default(const std::string& directory) {
    std::string path = clean_path(directory + "/.env");
    const Strings& read = sources_.environment_files;
    if (std::find(read.begin(), read.end(), path) != read.end() || !files_.exists(path)) return;
    Result<std::string> text = files_.read(path);
    if (!text.ok()) {
      diagnostics_.error(whole_file(display_path(path, request_.working_directory)),
                         fmt::format("cannot read this env file: {}", text.error().message()));
      return;
    }
    for (auto& [key, value] : parse(path, *text, {})) sources_.environment.try_emplace(key, value);
  }

  Variables parse(const std::string& path, const std::string& text, const Environment& earlier) {
    SourceSpan span = whole_file(display_path(path, request_.working_directory));
    diagnostics_.remember_source(span.file, text);
    sources_.environment_files.push_back(path);
    Lookup lookup = [&](std::string_view name) -> std::optional<std::string> {
      std::string key(name);
      if (auto own = sources_.environment.find(key); own != sources_.environment.end()) return own->second;
      if (auto other = earlier.find(key); other != earlier.end()) return other->second;
      return std::nullopt;
    };
    std::vector<std::string> unset;
    DotenvError error;
    Result<Variables> variables = parse_dotenv(text, lookup, unset, &error);
    if (!variables.ok()) {
      diagnostics_.error({span.file, error.line, 1, 0}, error.message);
      return {};
    }
    for (const std::string& name : unset) {
      diagnostics_.warning(span, fmt::format("the variable \"{}\" is not set, a blank string is used", name));
    }
    return std::move(*variables);
  }

  void find_files() {
    Strings names = request_.files;
    if (names.empty()) {
      std::string separator = value_of(sources_.environment, "COMPOSE_PATH_SEPARATOR");
      names = words(value_of(sources_.environment, "COMPOSE_FILE"), separator.empty() ? ':' : separator[0]);
    }
    for (const std::string& name : names) sources_.files.push_back(name == "-" ? name : absolute(name));
    if (names.empty()) search_upward();
  }

  void search_upward() {
    for (std::string directory = request_.working_directory;; directory = parent_of(directory)) {
      Strings found = existing(directory, kBaseNames);
      if (!found.empty()) return take(directory, found);
      if (directory == "/") break;
    }
    diagnostics_.error({}, fmt::format("no compose file in {} or above", request_.working_directory),
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
    std::string& directory = sources_.project_directory;
    if (!request_.project_directory.empty())
      directory = absolute(request_.project_directory);
    else if (sources_.files.empty() || sources_.files[0] == "-")
      directory = request_.working_directory;
    else
      directory = parent_of(sources_.files[0]);
  }

  const LoadRequest& request_;
  FileSource& files_;
  Diagnostics& diagnostics_;
  Sources sources_;
};

bool is_normal_name(const std::string& name) {
  return !name.empty() && normal_project_name(name) == name;
}

}  // namespace

Lookup lookup_in(const Environment& environment) {
  return [&environment](std::string_view name) -> std::optional<std::string> {
    auto found = environment.find(std::string(name));
    return found == environment.end() ? std::nullopt : std::optional(found->second);
  };
}

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
  if (given.empty()) given = value_of(sources.environment, "COMPOSE_PROJECT_NAME");
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
    Lookup lookup = lookup_in(sources.environment);
    Result<std::string> text = interpolate(name->text, lookup, unset);
    if (text.ok() && !text->empty()) given = *text;  // a mistake in it is reported when the whole file is interpolated
    if (!given.empty()) break;
  }
  const std::string& directory = sources.project_directory;
  std::string name = normal_project_name(given.empty() ? directory.substr(directory.rfind('/') + 1) : given);
  if (name.empty()) {
    diagnostics.error({}, "the project name must not be empty", "give one with -p NAME or `name:`");
  }
  return name;
}

}  // namespace berth::compose
