#include "images/config.h"

#include <fmt/core.h>

#include <climits>
#include <nlohmann/json.hpp>

#include "images/json_fields.h"
#include "images/manifest.h"

namespace berth::images {

using nlohmann::json;

namespace {

void read_duration(FieldReader& fields, const char* key, Duration& target) {
  int64_t nanoseconds = target.count();
  fields.read(key, nanoseconds);
  target = Duration(std::max<int64_t>(nanoseconds, 0));
}

Result<ImageHealthcheck> read_healthcheck(const json& object) {
  ImageHealthcheck check;
  FieldReader fields(object, "image config: Healthcheck");
  fields.read("Test", check.test);
  read_duration(fields, "Interval", check.interval);
  read_duration(fields, "Timeout", check.timeout);
  read_duration(fields, "StartPeriod", check.start_period);
  read_duration(fields, "StartInterval", check.start_interval);
  int64_t retries = 0;
  fields.read("Retries", retries);
  check.retries = static_cast<int>(std::clamp<int64_t>(retries, 0, INT_MAX));
  BERTH_TRY_OK(fields.status());
  return check;
}

Status read_run_part(const json& object, ImageConfig& config) {
  FieldReader fields(object, "image config: config");
  fields.read("Entrypoint", config.entrypoint);
  fields.read("Cmd", config.cmd);
  fields.read("Env", config.env);
  fields.read("User", config.user);
  fields.read("WorkingDir", config.working_dir);
  fields.read_set("Volumes", config.volumes);
  fields.read_set("ExposedPorts", config.exposed_ports);
  fields.read("StopSignal", config.stop_signal);
  fields.read("Labels", config.labels);
  fields.read("Shell", config.shell);
  fields.read("OnBuild", config.onbuild);
  if (const json* check = fields.object("Healthcheck")) {
    BERTH_TRY(config.healthcheck, read_healthcheck(*check));
  }
  return fields.status();
}

Status read_layers(const json& rootfs, ImageConfig& config) {
  std::vector<std::string> ids;
  FieldReader fields(rootfs, "image config: rootfs");
  fields.read("diff_ids", ids);
  BERTH_TRY_OK(fields.status());
  if (ids.size() > kMaxLayers) return make_error(fmt::format("image config: more than {} layers", kMaxLayers));
  for (const std::string& id : ids) {
    BERTH_TRY(Digest digest, Digest::parse(id).context("image config: rootfs.diff_ids"));
    config.diff_ids.push_back(std::move(digest));
  }
  return {};
}

Status read_history(const json& list, ImageConfig& config) {
  for (const json& item : list) {
    HistoryEntry entry;
    FieldReader fields(item, "image config: history");
    fields.read("created", entry.created);
    fields.read("created_by", entry.created_by);
    fields.read("author", entry.author);
    fields.read("comment", entry.comment);
    fields.read("empty_layer", entry.empty_layer);
    BERTH_TRY_OK(fields.status());
    config.history.push_back(std::move(entry));
  }
  return {};
}

void put(json& object, const char* key, const std::string& value) {
  if (!value.empty()) object[key] = value;
}
void put(json& object, const char* key, const std::vector<std::string>& value) {
  if (!value.empty()) object[key] = value;
}
void put(json& object, const char* key, Duration value) {
  if (value.count() != 0) object[key] = value.count();
}
void put_set(json& object, const char* key, const std::vector<std::string>& names) {
  for (const std::string& name : names) object[key][name] = json::object();
}

json render_healthcheck(const ImageHealthcheck& check) {
  json object = json::object();
  put(object, "Test", check.test);
  put(object, "Interval", check.interval);
  put(object, "Timeout", check.timeout);
  put(object, "StartPeriod", check.start_period);
  put(object, "StartInterval", check.start_interval);
  if (check.retries != 0) object["Retries"] = check.retries;
  return object;
}

json render_run_part(const ImageConfig& config) {
  json object = json::object();
  put(object, "Entrypoint", config.entrypoint);
  put(object, "Cmd", config.cmd);
  put(object, "Env", config.env);
  put(object, "User", config.user);
  put(object, "WorkingDir", config.working_dir);
  put_set(object, "Volumes", config.volumes);
  put_set(object, "ExposedPorts", config.exposed_ports);
  put(object, "StopSignal", config.stop_signal);
  put(object, "Shell", config.shell);
  put(object, "OnBuild", config.onbuild);
  if (!config.labels.empty()) object["Labels"] = config.labels;
  if (config.healthcheck) object["Healthcheck"] = render_healthcheck(*config.healthcheck);
  return object;
}

json render_history(const HistoryEntry& entry) {
  json object = json::object();
  put(object, "created", entry.created);
  put(object, "created_by", entry.created_by);
  put(object, "author", entry.author);
  put(object, "comment", entry.comment);
  if (entry.empty_layer) object["empty_layer"] = true;
  return object;
}

}  // namespace

Result<ImageConfig> parse_image_config(std::string_view text) {
  BERTH_TRY(json document, parse_json_object(text, "image config"));
  ImageConfig config;
  FieldReader fields(document, "image config");
  fields.read("os", config.os);
  fields.read("architecture", config.architecture);
  fields.read("variant", config.variant);
  fields.read("created", config.created);
  fields.read("author", config.author);
  const json* run = fields.object("config");
  const json* rootfs = fields.object("rootfs");
  const json* history = fields.array("history");
  BERTH_TRY_OK(fields.status());
  if (run != nullptr) BERTH_TRY_OK(read_run_part(*run, config));
  if (rootfs != nullptr) BERTH_TRY_OK(read_layers(*rootfs, config));
  if (history != nullptr) BERTH_TRY_OK(read_history(*history, config));
  return config;
}

std::string render_image_config(const ImageConfig& config) {
  json document = json::object();
  document["os"] = config.os;
  document["architecture"] = config.architecture;
  put(document, "variant", config.variant);
  put(document, "created", config.created);
  put(document, "author", config.author);
  document["config"] = render_run_part(config);
  json ids = json::array();
  for (const Digest& id : config.diff_ids) ids.push_back(id.str());
  document["rootfs"] = {{"type", "layers"}, {"diff_ids", std::move(ids)}};
  for (const HistoryEntry& entry : config.history) document["history"].push_back(render_history(entry));
  return dump_json(document);
}

}  // namespace berth::images
