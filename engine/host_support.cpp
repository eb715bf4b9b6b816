#include "engine/host_support.h"

#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/text.h"
#include "engine/confinement.h"
#include "runtime/security_label.h"
#include "sys/file.h"

namespace berth::engine {
namespace {

bool has_rates(const BlkioConfig& blkio) {
  return !blkio.read_bps.empty() || !blkio.write_bps.empty() || !blkio.read_iops.empty() || !blkio.write_iops.empty();
}

/// The names of files in a new group of a v1 hierarchy.
std::vector<std::string> files_of_new_group(const std::string& root) {
  const std::string dir = fmt::format("{}/berth-look-{}", root, getpid());
  if (mkdir(dir.c_str(), 0755) != 0) return {};
  std::vector<std::string> names = sys::list_dir(dir).value_or({});
  (void)rmdir(dir.c_str());  // nothing can have moved in
  return names;
}

/// Of the v2 hierarchy. The controller itself only counts: limits and weights are options of the kernel.
void look_at_io(const runtime::CgroupMounts& mounts, HostSupport& host) {
  host.blkio_rates = host.blkio_weight = host.blkio_weight_device = mounts.v2_controllers.contains("io");
  if (!host.blkio_rates) return;
  // The files are there where the controller is handed down, as each start of a container does.
  (void)sys::write_existing(mounts.v2 + "/cgroup.subtree_control", "+io");  // refused in a container: the start tells
  std::vector<std::string> names = files_of_new_group(mounts.v2);
  auto has = [&](const char* name) { return std::find(names.begin(), names.end(), name) != names.end(); };
  if (!has("io.stat")) return;
  host.blkio_rates = has("io.max");
  host.blkio_weight = host.blkio_weight_device = has("io.weight") || has("io.bfq.weight");
}

class Fitting {
 public:
  Fitting(const HostSupport& host, std::vector<Error>& problems) : host_(host), problems_(problems) {}

  std::vector<std::string> fit(Stack& stack) {
    for (ServiceConfig& service : stack.services) fit(service);
    return std::move(warnings_);
  }

 private:
  void fit(ServiceConfig& service) {
    ResourceConfig& r = service.container.resources;
    if (r.memory_swappiness && !host_.swappiness) {
      r.memory_swappiness.reset();
      discard(service, "mem_swappiness", "memory swappiness");
    }
    if (r.oom_kill_disable && !host_.oom_kill_disable) {
      r.oom_kill_disable = false;
      discard(service, "oom_kill_disable", "turning off the OOM killer");
    } else if (r.oom_kill_disable && r.memory == 0) {
      warnings_.push_back(
          fmt::format("service \"{}\": oom_kill_disable without mem_limit can use up the memory of the "
                      "whole machine",
                      service.name));
    }
    fit_blkio(service);
    if ((r.cpu_rt_runtime != 0 || r.cpu_rt_period != 0) && !host_.realtime) {
      refuse(service, "cpu_rt_runtime and cpu_rt_period: the kernel has no realtime limits for control groups",
             "control groups v2 have none; leave them out");
    }
    for (const std::string& option : service.container.security_opt) fit_option(service, option);
  }

  void fit_blkio(ServiceConfig& service) {
    BlkioConfig& blkio = service.container.resources.blkio;
    if (blkio.weight != 0 && !host_.blkio_weight) {
      blkio.weight = 0;
      discard(service, "blkio_config.weight", "block I/O weights");
    }
    if (!blkio.weight_device.empty() && !host_.blkio_weight_device) {
      blkio.weight_device.clear();
      discard(service, "blkio_config.weight_device", "block I/O weights of devices");
    }
    if (has_rates(blkio) && !host_.blkio_rates) {
      BlkioConfig kept;
      kept.weight = blkio.weight;
      kept.weight_device = blkio.weight_device;
      blkio = kept;
      discard(service, "blkio_config", "block I/O rate limits");
    }
  }

  void fit_option(const ServiceConfig& service, const std::string& option) {
    if (const std::string profile = confinement({option}, "apparmor"); !profile.empty()) {
      if (!host_.apparmor)
        warnings_.push_back(fmt::format("service \"{}\": security_opt \"{}\" has no effect: the kernel has no AppArmor",
                                        service.name, printable(option)));
      else if (host_.apparmor_profiles)
        check_profile(service, profile, *host_.apparmor_profiles);
    }
    if (!confinement({option}, "label").empty()) {
      if (host_.selinux)
        refuse(service, fmt::format("security_opt \"{}\": SELinux labels are not supported yet", printable(option)),
               "leave it out, or write label=disable");
      else
        warnings_.push_back(fmt::format("service \"{}\": security_opt \"{}\" has no effect: the kernel has no SELinux",
                                        service.name, printable(option)));
    }
  }

  void check_profile(const ServiceConfig& service, const std::string& name, const std::vector<std::string>& loaded) {
    if (std::find(loaded.begin(), loaded.end(), name) != loaded.end()) return;
    const std::optional<std::string> near = nearest(name, loaded);
    refuse(service, fmt::format("security_opt: AppArmor profile \"{}\" is not loaded", printable(name)),
           near ? fmt::format("did you mean \"{}\"?", printable(*near)) : "load it with `apparmor_parser -r FILE`");
  }

  void discard(const ServiceConfig& service, const char* attribute, const char* what) {
    warnings_.push_back(
        fmt::format("service \"{}\": {} is left out: the kernel does not support {}", service.name, attribute, what));
  }

  void refuse(const ServiceConfig& service, const std::string& what, const std::string& hint) {
    Error error = make_error(fmt::format("service \"{}\": {}", service.name, what), hint);
    if (!service.place.empty()) error.context.push_back(service.place);
    problems_.push_back(std::move(error));
  }

  const HostSupport& host_;
  std::vector<Error>& problems_;
  std::vector<std::string> warnings_;
};

}  // namespace

HostSupport look_at_host(const runtime::CgroupMounts& mounts) {
  HostSupport host;
  auto v1_has = [&](const char* controller, const char* file) {
    auto mount = mounts.v1.find(controller);
    return mount != mounts.v1.end() && sys::exists(mount->second + "/" + file);
  };
  host.swappiness = v1_has("memory", "memory.swappiness");
  host.oom_kill_disable = v1_has("memory", "memory.oom_control");
  host.realtime = v1_has("cpu", "cpu.rt_runtime_us");
  if (auto blkio = mounts.v1.find("blkio"); blkio != mounts.v1.end()) {
    std::vector<std::string> files = files_of_new_group(blkio->second);
    auto has = [&](const char* name) { return std::find(files.begin(), files.end(), name) != files.end(); };
    host.blkio_weight = has("blkio.weight") || has("blkio.bfq.weight");
    host.blkio_weight_device = has("blkio.weight_device") || has("blkio.bfq.weight_device");
    host.blkio_rates = has("blkio.throttle.read_bps_device");
  } else {
    look_at_io(mounts, host);
  }
  host.apparmor = runtime::has_apparmor();
  host.apparmor_profiles = runtime::loaded_apparmor_profiles();
  host.selinux = sys::exists("/sys/fs/selinux/enforce");
  return host;
}

std::vector<std::string> fit_to_host(Stack& stack, const HostSupport& host, std::vector<Error>& problems) {
  return Fitting(host, problems).fit(stack);
}

bool asks_for_support(const Stack& stack) {
  return std::any_of(stack.services.begin(), stack.services.end(), [](const ServiceConfig& service) {
    const ResourceConfig& r = service.container.resources;
    return r.memory_swappiness || r.oom_kill_disable || r.cpu_rt_runtime != 0 || r.cpu_rt_period != 0 ||
           r.blkio.weight != 0 || !r.blkio.weight_device.empty() || has_rates(r.blkio) ||
           !service.container.security_opt.empty();
  });
}

}  // namespace berth::engine
