#include "oci/state.h"

#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "sys/file.h"

namespace berth::oci {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kMaxId = 1024;

Json hooks_to_json(const std::vector<runtime::Hook>& hooks) {
  Json list = Json::array();
  for (const runtime::Hook& hook : hooks) {
    Json entry = {{"path", hook.path}, {"args", hook.args}, {"env", hook.env}};
    if (hook.timeout_s > 0) entry["timeout"] = hook.timeout_s;
    list.push_back(std::move(entry));
  }
  return list;
}

Json identity_to_json(const sys::ProcessIdentity& identity) {
  return {{"pid", identity.pid}, {"startTime", identity.start_time}};
}

sys::ProcessIdentity identity_from(const Node& node) {
  return {node["pid"].number<pid_t>(), node["startTime"].number<uint64_t>()};
}

/// True if that very process is there and has not ended.
bool is_alive(const sys::ProcessIdentity& identity) {
  if (identity.pid <= 0) return false;
  Result<sys::Pidfd> process = sys::open_identified(identity);
  return process && !process->exited();
}

std::string dump(const Json& document, bool indented) {
  return document.dump(indented ? 2 : -1, ' ', false, Json::error_handler_t::replace);
}

Json state_object(const Record& record, Phase phase) {
  bool has_process = phase != Phase::stopped && record.process.pid > 0;
  return {{"ociVersion", record.spec_version},
          {"id", record.id},
          {"pid", has_process ? record.process.pid : 0},
          {"status", phase_name(phase)},
          {"bundle", record.bundle},
          {"rootfs", record.rootfs},
          {"created", record.created},
          {"annotations", record.annotations},
          {"owner", record.owner == 0 ? "root" : std::to_string(record.owner)}};
}

}  // namespace

const char* phase_name(Phase phase) {
  switch (phase) {
    case Phase::creating:
      return "creating";
    case Phase::created:
      return "created";
    case Phase::running:
      return "running";
    case Phase::paused:
      return "paused";
    case Phase::stopped:
      return "stopped";
  }
  return "unknown";
}

StateDir::StateDir(std::string root, std::string id)
    : root_(std::move(root)), id_(std::move(id)), path_(root_ + "/" + id_) {}

Result<StateDir> StateDir::of(const std::string& root, const std::string& id) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-.";
  bool valid = !id.empty() && id.size() <= kMaxId && id != "." && id != ".." &&
               id.find_first_not_of(kAllowed) == std::string::npos;
  if (!valid) {
    return make_error(fmt::format("invalid container id \"{}\"", printable(id)),
                      "expected letters, digits and any of _ + - .");
  }
  return StateDir(root, id);
}

Status StateDir::create() const {
  BERTH_TRY_OK(sys::make_dirs(root_, 0700));
  if (mkdir(path_.c_str(), 0711) == 0) return {};
  if (errno == EEXIST) return sys_error(fmt::format("container with id {} exists already", id_), EEXIST);
  return sys_error("make directory " + path_, errno);
}

bool StateDir::exists() const {
  return sys::exists(path_);
}

Error StateDir::missing() const {
  return make_error(fmt::format("container \"{}\" does not exist", id_));
}

Result<Record> StateDir::read() const {
  Record record;
  record.id = id_;
  Result<std::string> text = sys::read_file(path_ + "/state.json");
  if (!text) {
    if (text.error().code != ENOENT) return std::move(text).error();
    if (!exists()) return missing();
    return record;
  }
  nlohmann::json document = nlohmann::json::parse(*text, nullptr, false);
  if (document.is_discarded()) return make_error(fmt::format("{}/state.json is not JSON", path_));
  Complaints complaints;
  Node root(document, complaints);
  record.spec_version = root["ociVersion"].text();
  record.bundle = root["bundle"].text();
  record.rootfs = root["rootfs"].text();
  record.created = root["created"].text();
  record.owner = root["owner"].number<uid_t>();
  record.cgroup_path = root["cgroupPath"].text();
  record.annotations = root["annotations"].text_map();
  record.process = identity_from(root["process"]);
  record.creator = identity_from(root["creator"]);
  record.poststart = hooks_from(root["hooks"]["poststart"]);
  record.poststop = hooks_from(root["hooks"]["poststop"]);
  BERTH_TRY_OK(complaints.status(path_ + "/state.json"));
  return record;
}

Status StateDir::write(const Record& record) const {
  Json document = {
      {"ociVersion", record.spec_version},
      {"bundle", record.bundle},
      {"rootfs", record.rootfs},
      {"created", record.created},
      {"owner", record.owner},
      {"cgroupPath", record.cgroup_path},
      {"annotations", record.annotations},
      {"process", identity_to_json(record.process)},
      {"creator", identity_to_json(record.creator)},
      {"hooks", {{"poststart", hooks_to_json(record.poststart)}, {"poststop", hooks_to_json(record.poststop)}}},
  };
  // A process does not survive a reboot, so neither need its record.
  return sys::write_file_atomic(path_ + "/state.json", dump(document, false), sys::Durability::none, 0600);
}

Status StateDir::remove() const {
  return sys::remove_tree(path_);
}

Result<sys::FileLock> StateDir::lock() const {
  return sys::FileLock::acquire(path_ + "/lock");
}

std::vector<std::string> containers_in(const std::string& root) {
  std::vector<std::string> names = sys::list_dir(root).value_or({});
  std::erase_if(names, [&](const std::string& name) { return !StateDir::of(root, name).ok(); });
  return names;
}

Phase phase_of(const StateDir& dir, const Record& record, const runtime::CgroupMounts& mounts) {
  if (!is_alive(record.process)) {
    return record.process.pid == 0 && is_alive(record.creator) ? Phase::creating : Phase::stopped;
  }
  if (sys::exists(dir.gate())) return Phase::created;
  Result<runtime::Cgroup> group = runtime::Cgroup::open(mounts, record.cgroup_path);
  return group && group->frozen().value_or(false) ? Phase::paused : Phase::running;
}

std::string state_json(const Record& record, Phase phase, bool indented) {
  return dump(state_object(record, phase), indented);
}

std::string hook_state(const Record& record, Phase phase) {
  Json document = state_object(record, phase);
  for (const char* field : {"rootfs", "created", "owner"}) document.erase(field);
  return dump(document, false);
}

}  // namespace berth::oci
