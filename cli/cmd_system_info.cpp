#include <fmt/core.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "base/clock.h"
#include "base/text.h"
#include "base/version.h"
#include "cli/go_template.h"
#include "cli/listing.h"
#include "cli/project.h"
#include "cli/sizes.h"
#include "cli/system_commands.h"
#include "engine/state.h"
#include "images/store.h"
#include "runtime/cgroup_mounts.h"
#include "sys/file.h"

namespace berth::cli {
namespace {

using Json = nlohmann::ordered_json;

/// "Debian GNU/Linux 12 (bookworm)"
std::string operating_system() {
  constexpr std::string_view kKey = "PRETTY_NAME=";
  for (const std::string& line : split(sys::read_file("/etc/os-release", 1 << 16).value_or(""), '\n')) {
    if (!line.starts_with(kKey)) continue;
    std::string name = line.substr(kKey.size());
    std::erase(name, '"');
    return name;
  }
  return "Linux";
}

std::string host_name() {
  char name[256] = "";
  (void)gethostname(name, sizeof name - 1);  // then it has none
  return name;
}

size_t count(const engine::Observed& observed, std::initializer_list<engine::Status> statuses) {
  return static_cast<size_t>(std::count_if(
      observed.containers.begin(), observed.containers.end(),
      [&](const auto& one) { return std::find(statuses.begin(), statuses.end(), one.live.status) != statuses.end(); }));
}

size_t image_count(const Context& context) {
  if (!sys::exists(context.paths.images())) return 0;  // not made by looking at it
  Result<images::Store> store = images::Store::open(context.paths);
  if (!store) return 0;
  Result<std::vector<images::Image>> images = store->list();
  return images ? images->size() : 0;
}

/// The keys of `docker info --format json` that scripts read, in its order; what berth does not have is as it is where
/// Docker does not have it.
Json info_json(const Context& context) {
  using engine::Status;
  const engine::Observed observed = engine::StateStore(context.paths).observe();
  const Result<runtime::CgroupMounts> groups = runtime::CgroupMounts::discover();
  utsname kernel{};
  (void)uname(&kernel);  // it does not fail
  struct sysinfo machine {};
  (void)sysinfo(&machine);  // nor does this
  return {{"ID", context.paths.root},
          {"Containers", observed.containers.size()},
          {"ContainersRunning", count(observed, {Status::running, Status::restarting})},
          {"ContainersPaused", count(observed, {Status::paused})},
          {"ContainersStopped", count(observed, {Status::created, Status::exited, Status::dead, Status::removing})},
          {"Images", image_count(context)},
          {"Driver", "overlay2"},
          {"DriverStatus", Json::array()},
          {"Plugins",
           {{"Volume", {"local"}},
            {"Network", {"bridge", "host", "ipvlan", "macvlan", "null"}},
            {"Authorization", nullptr},
            {"Log", {"json-file", "local", "none"}}}},
          {"MemoryLimit", true},
          {"SwapLimit", true},
          {"CpuCfsPeriod", true},
          {"CpuCfsQuota", true},
          {"CPUShares", true},
          {"CPUSet", true},
          {"PidsLimit", true},
          {"IPv4Forwarding", trim(sys::read_file("/proc/sys/net/ipv4/ip_forward", 16).value_or("")) == "1"},
          {"Debug", false},
          {"OomKillDisable", false},
          {"SystemTime", format_rfc3339(wall_clock_ns())},
          {"LoggingDriver", "json-file"},
          {"CgroupDriver", "cgroupfs"},
          {"CgroupVersion", groups && !groups->hybrid() ? "2" : "1"},
          {"KernelVersion", kernel.release},
          {"OperatingSystem", operating_system()},
          {"OSType", "linux"},
          {"Architecture", kernel.machine},
          {"IndexServerAddress", "https://index.docker.io/v1/"},
          {"NCPU", sysconf(_SC_NPROCESSORS_ONLN)},
          {"MemTotal", uint64_t{machine.totalram} * machine.mem_unit},
          {"DockerRootDir", context.paths.root},
          {"Name", host_name()},
          {"Labels", Json::array()},
          {"ExperimentalBuild", false},
          {"ServerVersion", kVersion},
          {"Runtimes", {{"berth", {{"path", "berth-oci"}}}}},
          {"DefaultRuntime", "berth"},
          {"Swarm", {{"NodeID", ""}, {"LocalNodeState", "inactive"}, {"ControlAvailable", false}}},
          {"LiveRestoreEnabled", true},
          {"InitBinary", ""},
          {"SecurityOptions", {"name=seccomp,profile=builtin"}},
          {"Warnings", nullptr},
          {"ServerErrors", nullptr}};
}

std::string info_text(const Json& info) {
  auto text = [&](const char* key) {
    const Json& value = info.at(key);
    return value.is_string() ? value.get<std::string>() : value.dump();
  };
  auto list = [&](const char* kind) { return join(info.at("Plugins").at(kind).get<std::vector<std::string>>(), " "); };
  std::string out = "Server:\n";
  auto line = [&](const char* label, const std::string& value) {
    out += fmt::format(" {}: {}\n", label, printable(value));
  };
  line("Containers", text("Containers"));
  line(" Running", text("ContainersRunning"));
  line(" Paused", text("ContainersPaused"));
  line(" Stopped", text("ContainersStopped"));
  line("Images", text("Images"));
  line("Server Version", text("ServerVersion"));
  line("Storage Driver", text("Driver"));
  line("Logging Driver", text("LoggingDriver"));
  line("Cgroup Driver", text("CgroupDriver"));
  line("Cgroup Version", text("CgroupVersion"));
  out += " Plugins:\n";
  line(" Volume", list("Volume"));
  line(" Network", list("Network"));
  line(" Log", list("Log"));
  line("Swarm", "inactive");
  line("Runtimes", "berth");
  line("Default Runtime", text("DefaultRuntime"));
  out += " Security Options:\n  seccomp\n   Profile: builtin\n";
  line("Kernel Version", text("KernelVersion"));
  line("Operating System", text("OperatingSystem"));
  line("OSType", text("OSType"));
  line("Architecture", text("Architecture"));
  line("CPUs", text("NCPU"));
  line("Total Memory", binary_size_text(info.at("MemTotal").get<uint64_t>()));
  line("Name", text("Name"));
  line("Root Dir", text("DockerRootDir"));
  line("Live Restore Enabled", text("LiveRestoreEnabled"));
  return out;
}

Status show_info(const Context& context, const std::string& format) {
  const Json info = info_json(context);
  if (format.empty()) {
    fmt::print("{}", info_text(info));
  } else if (format == "json") {
    fmt::print("{}\n", info.dump(-1, ' ', false, Json::error_handler_t::replace));
  } else {
    BERTH_TRY(GoTemplate shown, GoTemplate::parse(format));
    BERTH_TRY(std::string text, shown.render(info));
    fmt::print("{}\n", printable_lines(text));
  }
  return {};
}

void add_info(Command above, Context& context) {
  auto format = std::make_shared<std::string>();
  Command command = above.add_command("info", "Display system-wide information");
  command.option("-f,--format", *format, "json, or a Go template");
  command.runs(context, [&context, format] { return report(context, show_info(context, *format)); });
}

}  // namespace

void add_system_info(Command app, Context& context) {
  add_info(app.noun("system"), context);
  add_info(app, context);
}

}  // namespace berth::cli
