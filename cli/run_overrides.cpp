#include "cli/run_overrides.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"
#include "compose/dotenv.h"
#include "compose/files.h"
#include "compose/load.h"
#include "compose/passes.h"
#include "compose/port.h"
#include "compose/shell_words.h"
#include "compose/volume.h"

namespace berth::cli {
namespace {

template <class Value>
void set(std::vector<std::pair<std::string, Value>>& pairs, const std::string& name, Value value) {
  auto found = std::find_if(pairs.begin(), pairs.end(), [&](auto& pair) { return pair.first == name; });
  if (found == pairs.end())
    pairs.emplace_back(name, std::move(value));
  else
    found->second = std::move(value);
}

Error with_flag(Error error, const char* flag, const std::string& value) {
  error.context.push_back(fmt::format("{} {}", flag, value));
  return error;
}

Status add_environment(const RunOverrides& overrides, const compose::Project& project, compose::Service& service) {
  compose::Lookup lookup = [&](std::string_view name) -> std::optional<std::string> {
    auto found = project.environment.find(std::string(name));
    return found == project.environment.end() ? std::nullopt : std::optional(found->second);
  };
  for (const std::string& path : overrides.env_files) {
    compose::DiskFiles files;
    Result<std::string> text = files.read(path);
    if (!text) return with_flag(std::move(text).error(), "--env-from-file", path);
    std::vector<std::string> unset;
    compose::DotenvError place;
    Result<compose::Variables> variables = compose::parse_dotenv(*text, lookup, unset, &place);
    if (!variables) return make_error(fmt::format("{}:{}: {}", path, place.line, place.message));
    for (compose::Variable& v : *variables) set(service.environment, v.name, std::optional(std::move(v.value)));
  }
  for (const std::string& entry : overrides.env) {
    size_t equals = entry.find('=');
    std::string name = entry.substr(0, equals);
    if (name.empty()) return make_error("--env takes NAME=VALUE or NAME, not \"" + entry + "\"");
    std::optional<std::string> value =
        equals == std::string::npos ? lookup(name) : std::optional(entry.substr(equals + 1));
    if (value) set(service.environment, name, std::move(value));
  }
  return {};
}

Status add_volumes(const RunOverrides& overrides, const compose::Project& project, compose::Service& service) {
  for (const std::string& text : overrides.volumes) {
    std::vector<std::string> unknown;
    Result<compose::Mount> mount = compose::parse_mount(text, unknown);
    if (!mount) return with_flag(std::move(mount).error(), "--volume", text);
    if (!unknown.empty()) {
      return make_error(fmt::format("--volume {}: there is no option \"{}\"", text, unknown.front()));
    }
    if (mount->type == compose::Mount::Type::bind) {
      mount->source =
          compose::absolute_path(mount->source, compose::request_of_process().working_directory, project.environment);
    } else if (!mount->source.empty() && !project.volumes.contains(mount->source)) {
      std::vector<std::string> known;
      for (const auto& [key, volume] : project.volumes) known.push_back(key);
      std::optional<std::string> near = nearest(mount->source, known);
      return make_error(
          fmt::format("--volume {}: the project has no volume \"{}\"", text, mount->source),
          near ? fmt::format("did you mean \"{}\"?", *near)
               : fmt::format("for a directory write ./{}; for a volume add it to `volumes:`", mount->source));
    }
    std::erase_if(service.volumes, [&](const compose::Mount& old) { return old.target == mount->target; });
    service.volumes.push_back(std::move(*mount));
  }
  return {};
}

Status set_ports(const RunOverrides& overrides, compose::Service& service) {
  if (!overrides.service_ports) service.ports.clear();
  for (const std::string& text : overrides.publish) {
    Result<std::vector<compose::Port>> ports = compose::parse_port(text);
    if (!ports) return with_flag(std::move(ports).error(), "--publish", text);
    service.ports.insert(service.ports.end(), ports->begin(), ports->end());
  }
  return {};
}

Status set_command(const RunOverrides& overrides, compose::Service& service) {
  if (overrides.entrypoint) {
    Result<compose::ShellWords> words = compose::split_shell_words(*overrides.entrypoint);
    if (!words) return with_flag(std::move(words).error(), "--entrypoint", *overrides.entrypoint);
    service.entrypoint = std::move(words->words);
    service.command = std::vector<std::string>();  // written for the other entrypoint
  }
  if (!overrides.command.empty()) service.command = overrides.command;
  return {};
}

}  // namespace

Status apply_overrides(const RunOverrides& overrides, compose::Project& project, const std::string& name) {
  compose::Service& service = project.services.at(name);
  service.container_name.reset();
  service.restart.reset();
  if (service.deploy) {
    service.deploy->restart_policy.reset();
    service.deploy->replicas.reset();
  }
  service.scale = 1;
  if (!overrides.user.empty()) service.user = overrides.user;
  if (!overrides.workdir.empty()) service.working_dir = overrides.workdir;
  for (const std::string& label : overrides.labels) {
    size_t equals = label.find('=');
    set(service.labels, label.substr(0, equals),
        equals == std::string::npos ? std::string() : label.substr(equals + 1));
  }
  service.cap_add.insert(service.cap_add.end(), overrides.cap_add.begin(), overrides.cap_add.end());
  service.cap_drop.insert(service.cap_drop.end(), overrides.cap_drop.begin(), overrides.cap_drop.end());
  BERTH_TRY_OK(set_command(overrides, service));
  BERTH_TRY_OK(set_ports(overrides, service));
  BERTH_TRY_OK(add_volumes(overrides, project, service));
  return add_environment(overrides, project, service);
}

}  // namespace berth::cli
