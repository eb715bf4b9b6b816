#include "cli/container_flags.h"

#include <fmt/core.h>

#include "base/text.h"
#include "cli/container_mounts.h"

namespace berth::cli {
namespace {

using Json = ContainerModel::Json;

/// What a flag does to the model with one of its values. `attribute`: as its row has it.
using Apply = Status (*)(ContainerModel& model, const char* attribute, const std::string& value,
                         const std::string& flag);

Status text(ContainerModel& model, const char* attribute, const std::string& value, const std::string& flag) {
  model.set(attribute, value, flag);
  return {};
}

Status truth(ContainerModel& model, const char* attribute, const std::string& value, const std::string& flag) {
  model.set(attribute, value == "true", flag);
  return {};
}

Status item(ContainerModel& model, const char* attribute, const std::string& value, const std::string& flag) {
  model.add(attribute, value, flag);
  return {};
}

Status seconds(ContainerModel& model, const char* attribute, const std::string& value, const std::string& flag) {
  model.set(attribute, value + "s", flag);
  return {};
}

/// NAME=VALUE
Status option(ContainerModel& model, const char* attribute, const std::string& value, const std::string& flag) {
  const size_t equals = value.find('=');
  if (equals == std::string::npos) return make_error(flag + " takes NAME=VALUE, not \"" + printable(value) + "\"");
  model.add(attribute, value.substr(0, equals), value.substr(equals + 1), flag);
  return {};
}

/// PATH:VALUE, of a block device.
Status of_device(ContainerModel& model, const char* attribute, const std::string& value, const std::string& flag) {
  const size_t colon = value.rfind(':');
  if (colon == std::string::npos) return make_error(flag + " takes PATH:VALUE, not \"" + printable(value) + "\"");
  const char* key = flag == "--blkio-weight-device" ? "weight" : "rate";
  model.add(attribute, Json{{"path", value.substr(0, colon)}, {key, value.substr(colon + 1)}}, flag);
  return {};
}

/// As Docker reads it: each value to the end of its line.
Status env_file(ContainerModel& model, const char* attribute, const std::string& value, const std::string& flag) {
  model.add(attribute, Json{{"path", value}, {"format", "raw"}}, flag);
  return {};
}

/// NAME=SOFT[:HARD]
Status ulimit(ContainerModel& model, const char* attribute, const std::string& value, const std::string& flag) {
  const size_t equals = value.find('='), colon = value.find(':', equals);
  if (equals == std::string::npos)
    return make_error(flag + " takes NAME=SOFT[:HARD], not \"" + printable(value) + "\"");
  const std::string soft = value.substr(equals + 1, colon - equals - 1);
  const std::string hard = colon == std::string::npos ? soft : value.substr(colon + 1);
  model.add(attribute, value.substr(0, equals), Json{{"soft", soft}, {"hard", hard}}, flag);
  return {};
}

Status shell_test(ContainerModel& model, const char* attribute, const std::string& value, const std::string& flag) {
  model.set(attribute, Json::array({"CMD-SHELL", value}), flag);
  return {};
}

/// A program without arguments; the empty one is none, not even the image's.
Status program(ContainerModel& model, const char* attribute, const std::string& value, const std::string& flag) {
  model.set(attribute, value.empty() ? Json::array() : Json::array({value}), flag);
  return {};
}

Status of_container(ContainerModel& model, const char* attribute, const std::string& value, const std::string& flag) {
  model.add(attribute, "container:" + value, flag);
  return {};
}

Status volume(ContainerModel& model, const char*, const std::string& value, const std::string& flag) {
  return add_volume(model, value, flag);
}

Status mount(ContainerModel& model, const char*, const std::string& value, const std::string& flag) {
  return add_mount(model, value, flag);
}

/// `why` stands where others have their attribute.
Status refuse(ContainerModel&, const char* why, const std::string&, const std::string& flag) {
  return make_error(flag + " is not supported: " + why);
}

struct FlagRow {
  const char* names;
  const char* attribute;
  Apply apply;
  const char* help;
};

/// By their long names.
constexpr FlagRow kFlagRows[] = {
    {"--add-host", "/extra_hosts", item, "Add a custom host-to-IP mapping (host:ip)"},
    {"--annotation", "/annotations", item, "Add an annotation to the container"},
    {"--blkio-weight", "/blkio_config/weight", text, "Block IO (relative weight), between 10 and 1000"},
    {"--blkio-weight-device", "/blkio_config/weight_device", of_device, "Block IO weight (relative device weight)"},
    {"--cap-add", "/cap_add", item, "Add Linux capabilities"},
    {"--cap-drop", "/cap_drop", item, "Drop Linux capabilities"},
    {"--cgroup-parent", "/cgroup_parent", text, "Optional parent cgroup for the container"},
    {"--cgroupns", "/cgroup", text, "Cgroup namespace to use (host|private)"},
    {"--cpu-period", "/cpu_period", text, "Limit CPU CFS (Completely Fair Scheduler) period"},
    {"--cpu-quota", "/cpu_quota", text, "Limit CPU CFS (Completely Fair Scheduler) quota"},
    {"--cpu-rt-period", "/cpu_rt_period", text, "Limit CPU real-time period in microseconds"},
    {"--cpu-rt-runtime", "/cpu_rt_runtime", text, "Limit CPU real-time runtime in microseconds"},
    {"-c,--cpu-shares", "/cpu_shares", text, "CPU shares (relative weight)"},
    {"--cpus", "/cpus", text, "Number of CPUs"},
    {"--cpuset-cpus", "/cpuset", text, "CPUs in which to allow execution (0-3, 0,1)"},
    {"--cpuset-mems", "memory nodes cannot be chosen", refuse, ""},
    {"--device", "/devices", item, "Add a host device to the container"},
    {"--device-cgroup-rule", "/device_cgroup_rules", item, "Add a rule to the cgroup allowed devices list"},
    {"--device-read-bps", "/blkio_config/device_read_bps", of_device,
     "Limit read rate (bytes per second) from a device"},
    {"--device-read-iops", "/blkio_config/device_read_iops", of_device,
     "Limit read rate (IO per second) from a device"},
    {"--device-write-bps", "/blkio_config/device_write_bps", of_device,
     "Limit write rate (bytes per second) to a device"},
    {"--device-write-iops", "/blkio_config/device_write_iops", of_device,
     "Limit write rate (IO per second) to a device"},
    {"--dns", "/dns", item, "Set custom DNS servers"},
    {"--dns-option,--dns-opt", "/dns_opt", item, "Set DNS options"},
    {"--dns-search", "/dns_search", item, "Set custom DNS search domains"},
    {"--domainname", "/domainname", text, "Container NIS domain name"},
    {"--entrypoint", "/entrypoint", program, "Overwrite the default ENTRYPOINT of the image"},
    {"-e,--env", "/environment", item, "Set environment variables"},
    {"--env-file", "/env_file", env_file, "Read in a file of environment variables"},
    {"--expose", "/expose", item, "Expose a port or a range of ports"},
    {"--gpus", "/gpus", text, ""},
    {"--group-add", "/group_add", item, "Add additional groups to join"},
    {"--health-cmd", "/healthcheck/test", shell_test, "Command to run to check health"},
    {"--health-interval", "/healthcheck/interval", text, "Time between running the check"},
    {"--health-retries", "/healthcheck/retries", text, "Consecutive failures needed to report unhealthy"},
    {"--health-start-interval", "/healthcheck/start_interval", text, "Time between checks during the start period"},
    {"--health-start-period", "/healthcheck/start_period", text, "Start period before failures count"},
    {"--health-timeout", "/healthcheck/timeout", text, "Maximum time to allow one check to run"},
    {"-h,--hostname", "/hostname", text, "Container host name"},
    {"--ipc", "/ipc", text, "IPC mode to use"},
    {"--isolation", "/isolation", text, "Container isolation technology"},
    {"-l,--label", "/labels", item, "Set meta data on a container"},
    {"--label-file", "/label_file", item, "Read in a line delimited file of labels"},
    {"--link", "/external_links", item, "Add link to another container"},
    {"--log-driver", "/logging/driver", text, "Logging driver for the container"},
    {"--log-opt", "/logging/options", option, "Log driver options"},
    {"-m,--memory", "/mem_limit", text, "Memory limit"},
    {"--memory-reservation", "/mem_reservation", text, "Memory soft limit"},
    {"--memory-swap", "/memswap_limit", text, "Limit of memory plus swap: -1 for unlimited swap"},
    {"--memory-swappiness", "/mem_swappiness", text, "Tune container memory swappiness (0 to 100)"},
    {"--mount", "", mount, "Attach a filesystem mount to the container"},
    {"--oom-score-adj", "/oom_score_adj", text, "Tune host's OOM preferences (-1000 to 1000)"},
    {"--pid", "/pid", text, "PID namespace to use"},
    {"--pids-limit", "/pids_limit", text, "Tune container pids limit (-1 for unlimited)"},
    {"--platform", "/platform", text, "Which image of a multi-platform one"},
    {"-p,--publish", "/ports", item, "Publish a container's port(s) to the host"},
    {"--restart", "/restart", text, "Restart policy to apply when a container exits"},
    {"--runtime", "/runtime", text, "Runtime to use for this container"},
    {"--security-opt", "/security_opt", item, "Security options"},
    {"--shm-size", "/shm_size", text, "Size of /dev/shm"},
    {"--stop-signal", "/stop_signal", text, "Signal to stop the container"},
    {"--stop-timeout", "/stop_grace_period", seconds, "Timeout (in seconds) to stop a container"},
    {"--storage-opt", "/storage_opt", option, ""},
    {"--sysctl", "/sysctls", item, "Sysctl options"},
    {"--tmpfs", "/tmpfs", item, "Mount a tmpfs directory"},
    {"--ulimit", "/ulimits", ulimit, "Ulimit options"},
    {"-u,--user", "/user", text, "Username or UID (format: <name|uid>[:<group|gid>])"},
    {"--userns", "/userns_mode", text, "User namespace to use"},
    {"--uts", "/uts", text, "UTS namespace to use"},
    {"-v,--volume", "", volume, "Bind mount a volume"},
    {"--volume-driver", "volumes are the local driver's; --mount has its options", refuse, ""},
    {"--volumes-from", "/volumes_from", of_container, "Mount volumes from the specified container(s)"},
    {"-w,--workdir", "/working_dir", text, "Working directory inside the container"},
};

/// Without a value.
constexpr FlagRow kTruths[] = {
    {"--init", "/init", truth, "Run an init inside the container that forwards signals and reaps processes"},
    {"-i,--interactive", "/stdin_open", truth, "Keep STDIN open even if not attached"},
    {"--no-healthcheck", "/healthcheck/disable", truth, "Disable any container-specified HEALTHCHECK"},
    {"--oom-kill-disable", "/oom_kill_disable", truth, "Disable OOM Killer"},
    {"--privileged", "/privileged", truth, "Give extended privileges to this container"},
    {"--read-only", "/read_only", truth, "Mount the container's root filesystem as read only"},
    {"-t,--tty", "/tty", truth, "Allocate a pseudo-TTY"},
};

/// "--memory" of "-m,--memory".
std::string long_name(const FlagRow& row) {
  const std::vector<std::string> names = split(row.names, ',');
  return names.front().starts_with("--") ? names.front() : names.back();
}

}  // namespace

void ContainerFlags::add_to(Command command) {
  for (const FlagRow& row : kFlagRows) {
    const Parameter& made = command.option(row.names, values_[long_name(row)], row.help);
    if (*row.help == '\0') made.hidden();  // known in order to be refused by name
  }
  for (const FlagRow& row : kTruths) command.flag(row.names, truths_[long_name(row)], row.help);
  networks_.add_to(command);
}

bool ContainerFlags::is_set(const std::string& flag) const {
  auto truth = truths_.find(flag);
  if (truth != truths_.end()) return truth->second == "true";
  auto value = values_.find(flag);
  return value != values_.end() && !value->second.empty();
}

Status ContainerFlags::apply(ContainerModel& model) const {
  for (const FlagRow& row : kFlagRows) {
    const std::string flag = long_name(row);
    for (const std::string& value : values_.at(flag)) BERTH_TRY_OK(row.apply(model, row.attribute, value, flag));
  }
  for (const FlagRow& row : kTruths) {
    const std::string flag = long_name(row);
    if (const std::string& value = truths_.at(flag); !value.empty())
      BERTH_TRY_OK(row.apply(model, row.attribute, value, flag));
  }
  return networks_.apply(model);
}

}  // namespace berth::cli
