#include "cli/container_json.h"

#include <algorithm>

#include "base/clock.h"
#include "engine/confinement.h"
#include "engine/record.h"
#include "sys/directory.h"

namespace berth::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string time_text(int64_t ns) {
  return ns == 0 ? "0001-01-01T00:00:00Z" : format_rfc3339(ns);
}

Json health_json(const engine::Container& container) {
  Json log = Json::array();
  for (const engine::ProbeResult& probe : container.live.probes) {
    log.push_back({{"Start", time_text(probe.start_ns)},
                   {"End", time_text(probe.end_ns)},
                   {"ExitCode", probe.exit_code},
                   {"Output", probe.output}});
  }
  // What does not run is not healthy.
  const std::string& status = container.live.health;
  return {{"Status", status.empty() ? "unhealthy" : status},
          {"FailingStreak", container.live.failing_streak},
          {"Log", std::move(log)}};
}

Json state_json(const engine::Container& container) {
  const engine::LiveState& live = container.live;
  Json state = {{"Status", engine::status_name(live.status)},
                {"Running", live.alive() || live.status == engine::Status::restarting},
                {"Paused", live.status == engine::Status::paused},
                {"Restarting", live.status == engine::Status::restarting},
                {"OOMKilled", live.oom_killed},
                {"Dead", live.status == engine::Status::dead},
                {"Pid", live.alive() ? live.process.pid : 0},
                {"ExitCode", live.exit_code},
                {"Error", live.error},
                {"StartedAt", time_text(live.started_ns)},
                {"FinishedAt", time_text(live.finished_ns)}};
  if (container.record.health) state["Health"] = health_json(container);
  return state;
}

Json mounts_json(const engine::ContainerRecord& record, const sys::Paths& paths) {
  Json mounts = Json::array();
  for (const engine::MountConfig& mount : record.mounts) {
    if (mount.type == "bind") {
      mounts.push_back({{"Type", "bind"},
                        {"Source", mount.source},
                        {"Destination", mount.target},
                        {"Mode", mount.read_only ? "ro" : "rw"},
                        {"RW", !mount.read_only},
                        {"Propagation", mount.propagation.empty() ? "rprivate" : mount.propagation}});
    } else if (mount.type == "volume") {
      mounts.push_back({{"Type", "volume"},
                        {"Name", mount.source},
                        {"Source", paths.volumes() + "/" + mount.source + "/_data"},
                        {"Destination", mount.target},
                        {"Driver", "local"},
                        {"Mode", "z"},
                        {"RW", !mount.read_only},
                        {"Propagation", ""}});
    }
  }
  return mounts;
}

/// Arguments taken apart again into what the image or the file calls entrypoint and command.
std::pair<Json, Json> entrypoint_and_command(const engine::ContainerRecord& record, const images::ImageConfig* image) {
  const engine::ContainerConfig& config = record.config;
  size_t first = 0;  // of the command's
  if (config.command)
    first = record.args.size() - std::min(record.args.size(), config.command->size());
  else if (config.entrypoint)
    first = record.args.size();
  else if (image != nullptr)
    first = std::min(record.args.size(), image->entrypoint.size());
  auto cut = record.args.begin() + static_cast<ptrdiff_t>(first);
  return {list_or_null({record.args.begin(), cut}), list_or_null({cut, record.args.end()})};
}

Json healthcheck_json(const engine::HealthConfig& health) {
  Json json = {{"Test", health.test}};
  auto add = [&](const char* key, const std::optional<int64_t>& value) {
    if (value) json[key] = *value;
  };
  add("Interval", health.interval);
  add("Timeout", health.timeout);
  add("StartPeriod", health.start_period);
  add("StartInterval", health.start_interval);
  add("Retries", health.retries);
  return json;
}

Json exposed_json(const engine::ContainerRecord& record) {
  Json exposed = Json::object();
  for (const engine::PortConfig& port : record.config.ports)
    exposed[std::to_string(port.container_port) + "/" + port.protocol] = Json::object();
  for (const std::string& port : record.expose)
    exposed[port.find('/') == std::string::npos ? port + "/tcp" : port] = Json::object();
  return exposed;
}

Json config_json(const engine::ContainerRecord& record, const images::ImageConfig* image) {
  const engine::ContainerConfig& config = record.config;
  auto [entrypoint, command] = entrypoint_and_command(record, image);
  Json json = {{"Hostname", engine::hostname_of(record)},
               {"Domainname", config.domainname},
               {"User", record.user},
               {"AttachStdin", false},
               {"AttachStdout", true},
               {"AttachStderr", true}};
  if (Json exposed = exposed_json(record); !exposed.empty()) json["ExposedPorts"] = std::move(exposed);
  json.update({{"Tty", config.tty},
               {"OpenStdin", config.stdin_open},
               {"StdinOnce", false},
               {"Env", record.env},
               {"Cmd", std::move(command)}});
  if (record.health) json["Healthcheck"] = healthcheck_json(*record.health);
  json.update({{"Image", config.image},
               {"Volumes", nullptr},
               {"WorkingDir", record.working_dir},
               {"Entrypoint", std::move(entrypoint)},
               {"OnBuild", nullptr},
               {"Labels", record.labels},
               {"StopSignal", record.stop_signal},
               {"StopTimeout", record.stop_grace_ns / 1'000'000'000}});
  return json;
}

}  // namespace

Json list_or_null(const std::vector<std::string>& list) {
  return list.empty() ? Json() : Json(list);
}

Json container_json(const engine::Container& container, const Surroundings& around) {
  const engine::ContainerRecord& record = container.record;
  const std::string folder = around.paths.container(record.id);
  std::string lower;
  for (const std::string& layer : record.layers) lower += (lower.empty() ? "" : ":") + layer;
  Json json = {
      {"Id", record.id},
      {"Created", time_text(record.created_ns)},
      {"Path", record.args.empty() ? "" : record.args.front()},
      {"Args", record.args.empty() ? Json::array() : Json(std::vector(record.args.begin() + 1, record.args.end()))},
      {"State", state_json(container)},
      {"Image", record.image_id},
      {"ResolvConfPath", folder + "/resolv.conf"},
      {"HostnamePath", folder + "/hostname"},
      {"HostsPath", folder + "/hosts"},
      {"LogPath", folder + "/log"},
      {"Name", "/" + record.name},
      {"RestartCount", container.live.restart_count},
      {"Driver", "overlay2"},
      {"Platform", "linux"},
      {"MountLabel", ""},
      {"ProcessLabel", ""},
      {"AppArmorProfile", engine::apparmor_profile(record.config.security_opt)},
      {"ExecIDs", nullptr},
      {"HostConfig", host_config_json(container)},
      {"GraphDriver",
       {{"Data",
         {{"LowerDir", lower}, {"MergedDir", ""}, {"UpperDir", folder + "/upper"}, {"WorkDir", folder + "/work"}}},
        {"Name", "overlay2"}}}};
  if (around.size) {
    uint64_t own = sys::disk_usage(folder + "/upper"), all = own;
    for (const std::string& layer : record.layers) all += sys::disk_usage(layer);
    json["SizeRw"] = own;
    json["SizeRootFs"] = all;
  }
  json["Mounts"] = mounts_json(record, around.paths);
  json["Config"] = config_json(record, around.image);
  json["NetworkSettings"] = network_settings_json(container, around.observed);
  return json;
}

}  // namespace berth::cli
