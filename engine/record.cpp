#include "engine/record.h"

#include <fmt/core.h>
#include <sys/utsname.h>

#include <algorithm>

#include "base/text.h"
#include "base/version.h"
#include "engine/plan_up.h"
#include "sys/file.h"

namespace berth::engine {
namespace {

constexpr const char* kDefaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr const char* kReplaceLabel = "com.docker.compose.replace";
constexpr int64_t kDefaultGraceNs = 10'000'000'000;

std::string name_of(const std::string& assignment) {
  return assignment.substr(0, assignment.find('='));
}

void set_variable(std::vector<std::string>& env, const std::string& name, const std::optional<std::string>& value) {
  auto found = std::find_if(env.begin(), env.end(), [&](const std::string& entry) { return name_of(entry) == name; });
  if (!value) {
    if (found != env.end()) env.erase(found);
  } else if (found != env.end()) {
    *found = name + "=" + *value;
  } else {
    env.push_back(name + "=" + *value);
  }
}

std::vector<std::string> environment(const ContainerConfig& config, const images::ImageConfig& image) {
  std::vector<std::string> env = image.env;
  bool has_path =
      std::any_of(env.begin(), env.end(), [](const std::string& entry) { return name_of(entry) == "PATH"; });
  if (!has_path) env.insert(env.begin(), kDefaultPath);
  if (config.tty) set_variable(env, "TERM", "xterm");
  for (const auto& [name, value] : config.environment) set_variable(env, name, value);
  return env;
}

std::vector<std::string> arguments(const ContainerConfig& config, const images::ImageConfig& image) {
  std::vector<std::string> args = config.entrypoint.value_or(image.entrypoint);
  std::vector<std::string> command =
      config.command.value_or(config.entrypoint ? std::vector<std::string>() : image.cmd);
  args.insert(args.end(), command.begin(), command.end());
  return args;
}

std::optional<HealthConfig> health(const ContainerConfig& config, const images::ImageConfig& image) {
  HealthConfig merged = config.health.value_or(HealthConfig());
  if (image.healthcheck) {
    const images::ImageHealthcheck& base = *image.healthcheck;
    auto fill = [](std::optional<int64_t>& value, int64_t from_image) {
      if (!value && from_image > 0) value = from_image;
    };
    if (merged.test.empty() && is_test_of_images(base.test)) merged.test = base.test;
    fill(merged.interval, base.interval.count());
    fill(merged.timeout, base.timeout.count());
    fill(merged.start_period, base.start_period.count());
    fill(merged.start_interval, base.start_interval.count());
    fill(merged.retries, base.retries);
  }
  if (merged.test.empty() || merged.test.front() == "NONE") return std::nullopt;
  return merged;
}

/// Labels of an image are data: they must not pass for what berth or compose says of a container.
bool reserved(const std::string& label) {
  return label.rfind("com.docker.compose.", 0) == 0 || label.rfind("berth.", 0) == 0;
}

Labels labels(const Stack& stack, const ServiceConfig& service, const ContainerRecord& record,
              const images::ImageConfig& image) {
  Labels labels;
  for (const auto& [name, value] : image.labels) {
    if (!reserved(name)) labels[name] = value;
  }
  for (const auto& [name, value] : service.container.labels) labels[name] = value;
  if (stack.project.empty()) return labels;
  std::string depends_on;
  for (const DependencyConfig& d : service.depends_on) {
    depends_on += fmt::format("{}{}:{}:{}", depends_on.empty() ? "" : ",", d.service, d.condition, d.restart);
  }
  labels["com.docker.compose.project"] = stack.project;
  labels["com.docker.compose.service"] = service.name;
  labels["com.docker.compose.container-number"] = std::to_string(record.number);
  labels["com.docker.compose.oneoff"] = record.one_off ? "True" : "False";
  labels["com.docker.compose.config-hash"] = record.config_hash;
  labels["com.docker.compose.image"] = record.image_id;
  labels["com.docker.compose.depends_on"] = depends_on;
  labels["com.docker.compose.project.working_dir"] = stack.working_dir;
  labels["com.docker.compose.project.config_files"] = join(stack.config_files, ",");
  if (!stack.environment_files.empty()) {
    labels["com.docker.compose.project.environment_file"] = join(stack.environment_files, ",");
  }
  labels["com.docker.compose.version"] = kVersion;
  return labels;
}

/// Ports of the image are exposed like those of the file.
void add_exposed_ports(std::vector<std::string>& expose, const images::ImageConfig& image) {
  for (const std::string& port : image.exposed_ports) {
    std::string short_form = port.ends_with("/tcp") ? port.substr(0, port.size() - 4) : port;
    bool known = std::any_of(expose.begin(), expose.end(),
                             [&](const std::string& one) { return one == port || one == short_form; });
    if (!known) expose.push_back(port);
  }
}

/// The name of an anonymous volume: that of the container before it, or a new one.
std::string name_of_volume(const std::string& target, const ContainerRecord* replaced) {
  if (replaced != nullptr) {
    const std::vector<std::string>& known = replaced->anonymous_volumes;
    for (const MountConfig& mount : replaced->mounts) {
      bool same = mount.target == target && mount.type == "volume" && !mount.lent;
      if (same && std::find(known.begin(), known.end(), mount.source) != known.end()) return mount.source;
    }
  }
  return sys::random_hex(32);
}

/// Anonymous volumes get names, and the image's VOLUMEs that nothing is mounted on become such.
void name_volumes(ContainerRecord& record, const images::ImageConfig& image, const ContainerRecord* replaced) {
  for (const std::string& target : image.volumes) {
    auto covers = [&](const MountConfig& mount) { return mount.target == target; };
    if (std::any_of(record.mounts.begin(), record.mounts.end(), covers)) continue;
    MountConfig mount;
    mount.type = "volume";
    mount.target = target;
    record.mounts.push_back(std::move(mount));
  }
  for (MountConfig& mount : record.mounts) {
    if (mount.type != "volume" || !mount.source.empty()) continue;
    mount.source = name_of_volume(mount.target, replaced);
    record.anonymous_volumes.push_back(mount.source);
  }
}

}  // namespace

bool is_test_of_images(const std::vector<std::string>& test) {
  return !test.empty() && (test[0] == "NONE" || test[0] == "CMD" || test[0] == "CMD-SHELL");
}

Result<ContainerRecord> make_record(const Stack& stack, const ServiceConfig& service, const CreateContainer& action,
                                    const images::Image& image, const Lenders& lenders,
                                    const ContainerRecord* replaced) {
  const ContainerConfig& config = service.container;
  ContainerRecord record;
  record.id = sys::random_hex(32);
  record.name = action.temporary_name.empty() ? action.container.name : action.temporary_name;
  record.project = stack.project;
  record.service = service.name;
  record.number = action.number;
  // Without a project there is no service beside which it would stand.
  record.one_off = (action.one_off && !stack.project.empty()) || action.pre_start;
  record.pre_start = action.pre_start;
  record.auto_remove = action.auto_remove;
  record.created_ns = wall_clock_ns();
  record.image_id = image.id.str();
  record.config_hash = config_hash(service);
  record.config = config;
  name_lenders_by_id(record.config, lenders);
  record.expose = config.expose;
  add_exposed_ports(record.expose, image.config);
  record.args = arguments(config, image.config);
  if (record.args.empty()) {
    return make_error("neither the service nor the image " + config.image + " says what to run",
                      "add `command:` to the service");
  }
  record.env = environment(config, image.config);
  record.user = config.user.empty() ? image.config.user : config.user;
  record.working_dir = !config.working_dir.empty()         ? config.working_dir
                       : !image.config.working_dir.empty() ? image.config.working_dir
                                                           : "/";
  record.stop_signal = !config.stop_signal.empty()         ? config.stop_signal
                       : !image.config.stop_signal.empty() ? image.config.stop_signal
                                                           : "SIGTERM";
  record.stop_grace_ns = config.stop_grace_ns.value_or(kDefaultGraceNs);
  record.health = health(config, image.config);
  record.mounts = config.mounts;
  take_mounts(config.volumes_from, lenders, record.mounts, record.anonymous_volumes);
  name_volumes(record, image.config, action.renew_volumes ? nullptr : replaced);
  record.layers = image.layer_dirs;
  record.labels = labels(stack, service, record, image.config);
  if (!action.replaces.empty()) record.labels[kReplaceLabel] = action.replaces;
  return record;
}

std::string owner_of(const ContainerRecord& record) {
  if (record.project.empty()) return "container " + record.short_id();
  return fmt::format("service \"{}\" of project \"{}\"", record.service, record.project);
}

std::string hostname_of(const ContainerRecord& record) {
  if (!record.config.hostname.empty()) return record.config.hostname;
  utsname host{};
  return record.config.uts_mode == "host" && uname(&host) == 0 ? host.nodename : record.short_id();
}

Error name_in_use(const ContainerRecord& record) {
  return make_error(fmt::format("the container name \"{}\" is in use by {}", record.name, owner_of(record)),
                    "choose another name, or remove that container");
}

bool has_temporary_name(const ContainerRecord& record) {
  auto replaced = record.labels.find(kReplaceLabel);
  return replaced != record.labels.end() && record.name.starts_with(replaced->second.substr(0, 12) + "_");
}

}  // namespace berth::engine
