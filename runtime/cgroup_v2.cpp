#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/text.h"
#include "runtime/cgroup_controllers.h"
#include "sys/file.h"

namespace berth::runtime {
namespace {

/// Moves all that lives in a group into a leaf below it.
Status vacate(const std::string& dir) {
  const std::string text = read_text(dir + "/cgroup.procs");
  const std::string_view pids = trim(text);
  if (pids.empty()) return {};
  std::string leaf = dir + "/init";  // the name that others use who do the same (dind, k3s)
  if (mkdir(leaf.c_str(), 0755) != 0 && errno != EEXIST) return sys_error("make control group " + leaf, errno);
  for (const std::string& pid : split(pids, '\n')) {
    // Written back, 0 would mean ourselves.
    if (pid == "0") return make_error(fmt::format("processes that we cannot see live in control group {}", dir));
    Status moved = sys::write_existing(leaf + "/cgroup.procs", pid);
    if (!moved && moved.error().code != ESRCH) return moved;  // ESRCH: it has ended meanwhile
  }
  return {};
}

/// Lets the groups below the mount's root have these controllers.
///
/// The machine's root may hand them down while processes live in it, but no other group may ("no internal processes":
/// the kernel says EBUSY, or with cpu and pids alone makes a group of threads of it, which is no better). Where our
/// root is such a group, because we run in a container or in a subtree delegated to us, what lives in it moves.
Status hand_down_from_root(const std::string& root, const std::string& controllers) {
  constexpr int kTries = 10;
  const bool of_machine = !sys::exists(root + "/cgroup.type");
  for (int attempt = 0;; ++attempt) {
    if (!of_machine) BERTH_TRY_OK(vacate(root));
    Status written = sys::write_existing(root + "/cgroup.subtree_control", controllers);
    // EBUSY: somebody had a child at that moment, which was born where its parent had been.
    if (written || written.error().code != EBUSY || of_machine || attempt == kTries) return written;
  }
}

/// Limits in the v2 group itself.
class V2Controllers final : public CgroupControllers {
 public:
  V2Controllers(const CgroupMounts& mounts, std::string path)
      : mounts_(mounts), path_(std::move(path)), directory_(mounts_.v2 + "/" + path_) {}

  /// A group has a controller's files only if its parent hands the controller down, all the way from the root. None of
  /// the groups between has processes of its own.
  Status create(const Resources& resources) override {
    std::string wanted;
    for (const char* name : {"cpu", "memory", "pids", "io"}) {
      if (mounts_.v2_controllers.count(name) != 0) wanted += fmt::format("{}+{}", wanted.empty() ? "" : " ", name);
    }
    for (const Resources::File& file : resources.files) {
      bool known = mounts_.v2_controllers.count(file.controller) != 0;
      if (known && wanted.find("+" + file.controller) == std::string::npos) wanted += " +" + file.controller;
    }
    BERTH_TRY_OK(hand_down(wanted));
    return apply(resources);
  }

  Status apply(const Resources& resources) override {
    // Only when a limit asks for it, which may be long after the container was made.
    if (wants_cpuset(resources)) BERTH_TRY_OK(hand_down_cpuset());
    BERTH_TRY(sys::UniqueFd dir, sys::open_file(directory_, O_PATH | O_DIRECTORY));
    auto all = [&]() -> Status {
      BERTH_TRY_OK(apply_memory_v2(dir.ref(), resources));
      BERTH_TRY_OK(apply_cpu_v2(dir.ref(), resources));
      BERTH_TRY_OK(apply_pids(dir.ref(), resources));
      BERTH_TRY_OK(apply_cpuset_v2(dir.ref(), resources));
      BERTH_TRY_OK(apply_io_v2(dir.ref(), resources));
      for (const Resources::File& file : resources.files) {
        BERTH_TRY_OK(sys::write_existing_at(dir.ref(), file.name, file.value));
      }
      return {};
    };
    Status done = all().context("control group {}", directory_);
    if (!done && done.error().code == ENOENT && done.error().hint.empty()) {
      done.error().hint = "of the controllers, there are here: " +
                          join({mounts_.v2_controllers.begin(), mounts_.v2_controllers.end()}, ", ");
    }
    return done;
  }

  Status apply_devices(const std::vector<DeviceRule>& rules) override {
    BERTH_TRY(sys::UniqueFd dir, sys::open_file(directory_, O_RDONLY | O_DIRECTORY));
    return apply_devices_v2(dir.ref(), rules);
  }

  Result<std::vector<sys::UniqueFd>> open_tasks() const override { return std::vector<sys::UniqueFd>{}; }

  std::vector<std::pair<std::string, std::string>> visible() const override { return {{"", directory_}}; }

  Result<CgroupStats> stats() const override {
    CgroupStats stats;
    uint64_t usage = read_number(directory_ + "/memory.current");
    uint64_t reclaimable = read_keyed(directory_ + "/memory.stat", "inactive_file");
    stats.memory_usage = usage > reclaimable ? usage - reclaimable : 0;
    stats.memory_peak = read_number(directory_ + "/memory.peak");
    stats.memory_limit = read_number(directory_ + "/memory.max");  // "max" reads as 0
    stats.cpu_ns = read_keyed(directory_ + "/cpu.stat", "usage_usec") * 1000;
    stats.pids = read_number(directory_ + "/pids.current");
    for (const std::string& line : split(read_text(directory_ + "/io.stat"), '\n')) {
      for (const std::string& word : split(line, ' ')) {  // "8:0 rbytes=4096 wbytes=0 …"
        if (word.starts_with("rbytes=")) stats.blkio_read_bytes += parse_unsigned(word.substr(7)).value_or(0);
        if (word.starts_with("wbytes=")) stats.blkio_write_bytes += parse_unsigned(word.substr(7)).value_or(0);
      }
    }
    return stats;
  }

  uint64_t oom_kills() const override { return read_keyed(directory_ + "/memory.events", "oom_kill"); }

  Result<OomEvents> open_oom_events() const override {
    OomEvents events;
    events.urgent = true;
    BERTH_TRY(events.fd, sys::open_file(directory_ + "/memory.events", O_RDONLY));
    return events;
  }

  std::vector<std::string> directories() const override { return {}; }

 private:
  /// Controllers ("+cpu +memory") from the root down to the group above ours.
  Status hand_down(const std::string& controllers) const {
    if (controllers.empty()) return {};
    std::string dir = mounts_.v2;
    BERTH_TRY_OK(hand_down_from_root(dir, controllers).context("hand controllers down"));
    std::vector<std::string> parts = split(path_, '/');
    for (size_t i = 0; i + 1 < parts.size(); ++i) {
      dir += "/" + parts[i];
      BERTH_TRY_OK(sys::write_existing(dir + "/cgroup.subtree_control", controllers).context("hand controllers down"));
    }
    return {};
  }

  Status hand_down_cpuset() const {
    if (mounts_.v2_controllers.contains("cpuset")) return hand_down("+cpuset");
    return make_error("the kernel has no control groups for sets of CPUs (CONFIG_CPUSETS)", "leave cpuset out");
  }

  const CgroupMounts mounts_;
  const std::string path_;
  const std::string directory_;
};

}  // namespace

std::unique_ptr<CgroupControllers> make_v2_controllers(const CgroupMounts& mounts, std::string path) {
  return std::make_unique<V2Controllers>(mounts, std::move(path));
}

}  // namespace berth::runtime
