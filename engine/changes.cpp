#include "engine/changes.h"

#include <fmt/core.h>

#include <array>
#include <string_view>

#include "base/clock.h"
#include "base/text.h"
#include "engine/json.h"
#include "images/digest.h"

namespace berth::engine {
namespace {

struct Name {
  std::string_view ours, compose;
};

/// Where a compose file calls it otherwise.
constexpr std::array kNames = std::to_array<Name>({
    {"blkio", "blkio_config"},
    {"cgroup_mode", "cgroup"},
    {"health", "healthcheck"},
    {"ipc_mode", "ipc"},
    {"log", "logging"},
    {"memory", "mem_limit"},
    {"memory_reservation", "mem_reservation"},
    {"memory_swap", "memswap_limit"},
    {"memory_swappiness", "mem_swappiness"},
    {"nano_cpus", "cpus"},
    {"parent", "cgroup_parent"},
    {"pid_mode", "pid"},
    {"pids", "pids_limit"},
    {"stop_grace_ns", "stop_grace_period"},
    {"uts_mode", "uts"},
});

void rename_keys(Json& object) {
  for (const Name& name : kNames) {
    auto found = object.find(name.ours);
    if (found == object.end()) continue;
    Json value = std::move(*found);
    object.erase(found);
    object[std::string(name.compose)] = std::move(value);
  }
}

/// Leaves out of `value` what is as in `usual`: what nobody wrote.
void drop_usual(Json& value, const Json& usual) {
  for (auto it = value.begin(); it != value.end();) {
    auto as_ever = usual.find(it.key());
    it = as_ever != usual.end() && *as_ever == *it ? value.erase(it) : std::next(it);
  }
}

/// A list of things that each have a name, as an object by that name.
Json by_name(const Json& list, const char* key, const Json& usual) {
  Json object = Json::object();
  for (Json one : list) {
    std::string name = one.value(key, "");
    drop_usual(one, usual);
    one.erase(key);
    one.erase("place");
    object[name] = std::move(one);
  }
  return object;
}

std::string short_form(const PortConfig& port) {
  std::string host = port.host_ip.empty() ? "" : port.host_ip + ":";
  if (port.host_port != 0) host += std::to_string(port.host_port);
  if (port.host_port_end > port.host_port) host += fmt::format("-{}", port.host_port_end);
  return fmt::format("{}{}{}/{}", host, host.empty() ? "" : ":", port.container_port, port.protocol);
}

void describe_durations(Json& object, std::initializer_list<const char*> keys) {
  for (const char* key : keys) {
    auto found = object.find(key);
    if (found != object.end() && found->is_number()) *found = format_duration(Duration(found->get<int64_t>()));
  }
}

/// As the file would have it, near enough for people.
Json described(const ContainerConfig& config) {
  ContainerConfig example;  // each list has one element that nobody has said anything of
  example.mounts.emplace_back();
  example.files.emplace_back();
  example.attachments.emplace_back();
  example.devices.emplace_back();
  example.ulimits.emplace_back();
  example.health.emplace();
  const Json usual(example);
  Json json(config);
  for (Json& mount : json["mounts"]) mount.erase("image_id"), mount.erase("layers");
  json["volumes"] = by_name(json["mounts"], "target", usual["mounts"][0]);
  json["networks"] = by_name(json["attachments"], "network", usual["attachments"][0]);
  json["devices"] = by_name(json["devices"], "target", usual["devices"][0]);
  json["ulimits"] = by_name(json["ulimits"], "name", Json::object());
  Json secrets = Json::array(), configs = Json::array();
  for (Json& file : json["files"]) {
    if (!file["content"].is_null()) file["digest"] = images::sha256_of(file["content"].get<std::string>()).str();
    file.erase("content");
    (file.value("target", "").starts_with("/run/secrets/") ? secrets : configs).push_back(file);
  }
  json["secrets"] = by_name(secrets, "target", usual["files"][0]);
  json["configs"] = by_name(configs, "target", usual["files"][0]);
  for (const char* key : {"mounts", "attachments", "files"}) json.erase(key);
  Json environment = Json::object();
  for (const auto& [name, value] : config.environment) environment[name] = value;
  json["environment"] = std::move(environment);
  json["ports"] = Json::array();
  for (const PortConfig& port : config.ports) json["ports"].push_back(short_form(port));
  Json resources = std::move(json["resources"]);
  json.erase("resources");
  json.update(resources);
  if (json["health"].is_object()) drop_usual(json["health"], usual["health"]);
  rename_keys(json);
  describe_durations(json, {"stop_grace_period"});
  describe_durations(json["healthcheck"], {"interval", "timeout", "start_period", "start_interval"});
  return json;
}

bool nothing(const Json& value) {
  return value.is_null() || (value.is_string() && value.get_ref<const std::string&>().empty()) ||
         (value.is_array() && value.empty());
}

std::string shown(const Json& value) {
  return nothing(value) ? "" : to_text(value);
}

void compare(const std::string& path, const Json& before, const Json& after, std::vector<Change>& changes) {
  if (before == after || (nothing(before) && nothing(after))) return;
  if (!before.is_object() || !after.is_object()) {
    changes.push_back({path, shown(before), shown(after)});
    return;
  }
  Json keys = before;
  keys.update(after);
  for (const auto& [key, unused] : keys.items()) {
    std::string below = path.empty() ? key : path + "." + key;
    compare(below, before.value(key, Json()), after.value(key, Json()), changes);
  }
}

/// Without what says nothing of the thing itself: where the file names it, and the labels of the project's tools.
template <class Config>
Json definition(Config config) {
  config.place.clear();
  config.key.clear();
  std::erase_if(config.labels, [](const auto& label) { return label.first.starts_with("com.docker.compose."); });
  Json json(config);
  if (auto ipam = json.find("ipam"); ipam != json.end()) {
    for (Json& block : *ipam) block.erase("place");
  }
  return json;
}

template <class Config>
std::vector<Change> difference(const Config& before, const Config& after) {
  std::vector<Change> changes;
  compare("", definition(before), definition(after), changes);
  return changes;
}

}  // namespace

std::string to_text(const Change& change) {
  auto value = [](const std::string& text) { return text.empty() ? std::string("(not set)") : printable(text); };
  return fmt::format("{}: {} -> {}", printable(change.attribute), value(change.before), value(change.after));
}

std::vector<Change> changes_between(const ContainerConfig& before, const ContainerConfig& after) {
  std::vector<Change> changes;
  compare("", described(before), described(after), changes);
  return changes;
}

std::vector<Change> changes_between(const NetworkConfig& before, const NetworkConfig& after) {
  return difference(before, after);
}

std::vector<Change> changes_between(const VolumeConfig& before, const VolumeConfig& after) {
  return difference(before, after);
}

}  // namespace berth::engine
