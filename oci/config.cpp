#include "oci/config.h"

#include <fmt/core.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "sys/file.h"

namespace berth::oci {
namespace {

Result<nlohmann::json> parse(const std::string& text, const char* name) {
  nlohmann::json document = nlohmann::json::parse(text, nullptr, false);
  if (document.is_discarded() || !document.is_object()) return make_error(fmt::format("{} is not a JSON object", name));
  return document;
}

void check_version(const Node& node) {
  std::string version = node.text();
  if (!version.starts_with("1."))
    node.wrong(fmt::format("\"{}\" is not a version 1 of the specification", printable(version)));
}

std::string root_from(const Node& root, const std::string& bundle) {
  root.know({"path", "readonly"});
  std::string path = root["path"].text();
  if (path.empty()) {
    root["path"].wrong("expected the directory of the root file system");
    return "";
  }
  if (!path.starts_with('/')) path = bundle + "/" + path;
  struct stat info {};
  if (stat(path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
    root["path"].wrong(fmt::format("{}: no such directory", printable(path)));
  }
  return path;
}

void take_process(Process process, runtime::ContainerSpec& spec) {
  spec.args = std::move(process.args);
  spec.env = std::move(process.env);
  spec.cwd = std::move(process.cwd);
  spec.tty = process.terminal;
  spec.tty_rows = process.rows;
  spec.tty_columns = process.columns;
  spec.oom_score_adj = process.oom_score_adj;
  spec.process = std::move(process.attributes);
}

void read_hooks(const Node& node, Config& config) {
  node.know({"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"});
  config.hooks.prestart = hooks_from(node["prestart"]);
  config.hooks.create_runtime = hooks_from(node["createRuntime"]);
  config.hooks.poststart = hooks_from(node["poststart"]);
  config.hooks.poststop = hooks_from(node["poststop"]);
  config.spec.bare->create_container = hooks_from(node["createContainer"]);
  config.spec.bare->start_container = hooks_from(node["startContainer"]);
}

}  // namespace

std::vector<runtime::Hook> hooks_from(const Node& list) {
  std::vector<runtime::Hook> hooks;
  for (const Node& item : list.items()) {
    item.know({"path", "args", "env", "timeout"});
    runtime::Hook hook{item["path"].text(), item["args"].texts(), item["env"].texts(), item["timeout"].number<int>()};
    if (!hook.path.starts_with('/')) item["path"].wrong("expected an absolute path");
    if (item["timeout"].present() && hook.timeout_s <= 0) item["timeout"].wrong("expected seconds above zero");
    hooks.push_back(std::move(hook));
  }
  return hooks;
}

Result<Config> read_config(const std::string& text, const Surroundings& surroundings) {
  BERTH_TRY(nlohmann::json document, parse(text, "config.json"));
  Complaints complaints;
  Node root(document, complaints);
  root.know({"ociVersion", "process", "root", "hostname", "domainname", "mounts", "hooks", "annotations", "linux",
             "windows", "solaris", "vm", "zos", "freebsd"});
  for (const char* other : {"windows", "solaris", "vm", "zos", "freebsd"}) root[other].refuse("this is Linux");
  check_version(root["ociVersion"]);
  Config config;
  runtime::ContainerSpec& spec = config.spec;
  spec.id = surroundings.id;
  spec.bare.emplace();
  spec.bare->pivot = surroundings.pivot;
  spec.bare->preserved = surroundings.preserved;
  if (surroundings.keyring) spec.bare->keyring = "_ses." + surroundings.id;
  if (!root["process"].present()) root["process"].wrong("there is none");
  take_process(process_from(root["process"]), spec);
  config.terminal = spec.tty;
  spec.rootfs = root_from(root["root"], surroundings.bundle);
  spec.read_only_root = root["root"]["readonly"].flag();
  spec.hostname = root["hostname"].text();
  spec.domainname = root["domainname"].text();
  if (!root["linux"].present()) root["linux"].wrong("there is none");
  add_linux(root["linux"], config, surroundings.seccomp_cache);
  add_mounts(root["mounts"], spec, surroundings.bundle);
  read_hooks(root["hooks"], config);
  config.annotations = root["annotations"].text_map();
  BERTH_TRY_OK(complaints.status("config.json"));
  config.warnings = std::move(complaints.warnings);
  return config;
}

Result<std::string> cgroup_path_in(const std::string& config, const std::string& id) {
  BERTH_TRY(nlohmann::json document, parse(config, "config.json"));
  Complaints complaints;
  std::string path = cgroup_path(Node(document, complaints)["linux"]["cgroupsPath"].text(), id);
  BERTH_TRY_OK(complaints.status("config.json"));
  return path;
}

Result<ExecConfig> read_exec_config(const std::string& config, const std::string& process,
                                    const Surroundings& surroundings) {
  BERTH_TRY(nlohmann::json document, parse(config, "config.json"));
  Complaints complaints;
  Node root(document, complaints);
  ExecConfig result;
  result.spec.id = surroundings.id;
  result.spec.rootfs = root_from(root["root"], surroundings.bundle);
  result.spec.cgroup_path = cgroup_path(root["linux"]["cgroupsPath"].text(), surroundings.id);
  add_seccomp(root["linux"]["seccomp"], result.spec, surroundings.seccomp_cache);
  nlohmann::json given;
  if (!process.empty()) {
    BERTH_TRY(given, parse(process, "process.json"));
  }
  Process wanted = process_from(process.empty() ? root["process"] : Node(given, complaints));
  runtime::ExecSpec& exec = result.process;
  exec.args = std::move(wanted.args);
  exec.env = std::move(wanted.env);
  exec.cwd = std::move(wanted.cwd);
  exec.tty = result.terminal = wanted.terminal;
  exec.tty_rows = wanted.rows;
  exec.tty_columns = wanted.columns;
  exec.oom_score_adj = wanted.oom_score_adj;
  exec.process = std::move(wanted.attributes);
  exec.preserved = surroundings.preserved;
  BERTH_TRY_OK(complaints.status(process.empty() ? "config.json" : "process.json"));
  result.warnings = std::move(complaints.warnings);
  return result;
}

}  // namespace berth::oci
