#include "cli/provider/program.h"

#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <vector>

#include "base/text.h"
#include "engine/json.h"
#include "sys/environment.h"
#include "sys/file.h"

namespace berth::cli::provider {
namespace {

/// Where Docker's command line looks for its plugins, in its order.
std::vector<std::string> plugin_directories() {
  std::string own = sys::environment_variable("DOCKER_CONFIG");
  if (own.empty()) own = sys::environment_variable("HOME") + "/.docker";
  std::vector<std::string> directories;
  const engine::Json config =
      engine::Json::parse(sys::read_file(own + "/config.json").value_or(""), nullptr, /*allow_exceptions=*/false);
  if (const engine::Json more = config.is_object() ? config.value("cliPluginsExtraDirs", engine::Json()) : config;
      more.is_array()) {
    for (const engine::Json& directory : more) {
      if (directory.is_string()) directories.push_back(directory.get<std::string>());
    }
  }
  directories.push_back(own + "/cli-plugins");
  for (const char* system : {"/usr/local/lib", "/usr/local/libexec", "/usr/lib", "/usr/libexec"})
    directories.push_back(std::string(system) + "/docker/cli-plugins");
  return directories;
}

std::string absolute(const std::string& path) {
  char* resolved = realpath(path.c_str(), nullptr);
  std::string copy = resolved == nullptr ? path : resolved;
  free(resolved);
  return copy;
}

}  // namespace

bool is_program(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && access(path.c_str(), X_OK) == 0;
}

Result<std::string> find_program(const std::string& type) {
  if (type.find('/') != std::string::npos) {
    if (is_program(type)) return absolute(type);
    return make_error(fmt::format("\"{}\" is no program", printable(type)),
                      "a type with a slash is a path, from the directory where berth is called");
  }
  if (type.empty() || type == "compose") return make_error(fmt::format("\"{}\" is no type of provider", type));
  for (const std::string& directory : plugin_directories()) {
    if (const std::string path = directory + "/docker-" + type; is_program(path)) return absolute(path);
  }
  for (const std::string& directory : split(sys::environment_variable("PATH"), ':')) {
    if (const std::string path = directory + "/" + type; !directory.empty() && is_program(path)) return absolute(path);
  }
  return make_error(fmt::format("there is no program for providers of type \"{}\"", printable(type)),
                    fmt::format("install \"docker-{0}\" as a plugin of Docker's command line (~/.docker/cli-plugins) "
                                "or \"{0}\" in a directory of PATH",
                                printable(type)));
}

}  // namespace berth::cli::provider
