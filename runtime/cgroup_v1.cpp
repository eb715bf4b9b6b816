#include <fcntl.h>
#include <fmt/core.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>

#include "base/text.h"
#include "runtime/cgroup_controllers.h"
#include "sys/file.h"

namespace berth::runtime {
namespace {

/// Limits in the v1 hierarchies of a hybrid host. Controllers that every container needs are always there, others only
/// when a limit asks for them: each is a directory more to make, to join and to remove.
class V1Controllers final : public CgroupControllers {
 public:
  V1Controllers(const CgroupMounts& mounts, std::string path) : mounts_(mounts), path_(std::move(path)) {
    for (const char* name :
         {"memory", "cpuacct", "pids", "devices", "cpuset", "blkio", "hugetlb", "net_cls", "net_prio", "rdma", "cpu"}) {
      if (mounts_.v1.count(name) != 0 && sys::exists(directory(name))) used_.push_back(name);
    }
  }

  Status create(const Resources& resources) override {
    used_ = {"memory", "cpuacct", "pids", "devices"};
    if (wants_cpuset(resources)) used_.push_back("cpuset");
    if (wants_blkio(resources)) used_.push_back("blkio");
    for (const Resources::File& file : resources.files) {
      if (!uses(file.controller) && file.controller != "cpu") used_.push_back(file.controller);
    }
    // Joined last: who is in it has no more than the container's share of a busy machine, and on the way into the
    // others a lock of all control groups is taken.
    used_.push_back("cpu");
    for (const std::string& name : used_) {
      if (mounts_.v1.count(name) == 0) continue;
      BERTH_TRY_OK(make_directory(name));
    }
    std::erase_if(used_, [&](const std::string& name) { return mounts_.v1.count(name) == 0; });
    return apply(resources);
  }

  Status apply(const Resources& resources) override {
    BERTH_TRY_OK(apply_one("memory", resources, apply_memory_v1));
    if (uses("cpu")) BERTH_TRY_OK(lend_realtime_v1(mounts_.v1.at("cpu"), path_, resources));
    BERTH_TRY_OK(apply_one("cpu", resources, apply_cpu_v1));
    BERTH_TRY_OK(apply_one("pids", resources, apply_pids));
    if (wants_cpuset(resources)) {
      BERTH_TRY_OK(join_late("cpuset"));
      BERTH_TRY_OK(apply_one("cpuset", resources, apply_cpuset_v1));
    }
    if (wants_blkio(resources)) {
      BERTH_TRY_OK(join_late("blkio"));
      BERTH_TRY_OK(apply_one("blkio", resources, apply_blkio_v1));
    }
    for (const Resources::File& file : resources.files) BERTH_TRY_OK(write_file(file));
    return {};
  }

  Status apply_devices(const std::vector<DeviceRule>& rules) override {
    if (!uses("devices")) return {};
    BERTH_TRY(sys::UniqueFd dir, sys::open_file(directory("devices"), O_PATH | O_DIRECTORY));
    return apply_devices_v1(dir.ref(), rules);
  }

  Result<std::vector<sys::UniqueFd>> open_tasks() const override {
    std::vector<sys::UniqueFd> files;
    for (const std::string& dir : directories()) {
      BERTH_TRY(sys::UniqueFd file, sys::open_file(dir + "/tasks", O_WRONLY));
      files.push_back(std::move(file));
    }
    return files;
  }

  std::vector<std::pair<std::string, std::string>> visible() const override {
    std::vector<std::pair<std::string, std::string>> result;
    for (const std::string& name : used_) result.emplace_back(name, directory(name));
    return result;
  }

  Result<CgroupStats> stats() const override {
    CgroupStats stats;
    std::string memory = directory("memory");
    uint64_t usage = read_number(memory + "/memory.usage_in_bytes");
    uint64_t reclaimable = read_keyed(memory + "/memory.stat", "total_inactive_file");
    stats.memory_usage = usage > reclaimable ? usage - reclaimable : 0;
    stats.memory_peak = read_number(memory + "/memory.max_usage_in_bytes");
    constexpr uint64_t kUnlimited = uint64_t{1} << 62;  // the kernel shows "none" as the largest multiple of a page
    uint64_t limit = read_number(memory + "/memory.limit_in_bytes");
    stats.memory_limit = limit >= kUnlimited ? 0 : limit;
    stats.cpu_ns = read_number(directory("cpuacct") + "/cpuacct.usage");
    stats.pids = read_number(directory("pids") + "/pids.current");
    if (uses("blkio")) {
      for (const std::string& line : split(read_text(directory("blkio") + "/blkio.throttle.io_service_bytes"), '\n')) {
        std::vector<std::string> words = split(line, ' ');  // "8:0 Read 4096"
        if (words.size() != 3) continue;
        uint64_t bytes = parse_unsigned(words[2]).value_or(0);
        if (words[1] == "Read") stats.blkio_read_bytes += bytes;
        if (words[1] == "Write") stats.blkio_write_bytes += bytes;
      }
    }
    return stats;
  }

  uint64_t oom_kills() const override { return read_keyed(directory("memory") + "/memory.oom_control", "oom_kill"); }

  Result<OomEvents> open_oom_events() const override {
    std::string dir = directory("memory");
    BERTH_TRY(sys::UniqueFd control, sys::open_file(dir + "/memory.oom_control", O_RDONLY));
    OomEvents events;
    events.fd = sys::UniqueFd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!events.fd.valid()) return sys_error("eventfd", errno);
    // Registered until the group or the counter goes.
    BERTH_TRY_OK(
        sys::write_existing(dir + "/cgroup.event_control", fmt::format("{} {}", events.fd.get(), control.get())));
    return events;
  }

  std::vector<std::string> directories() const override {
    std::vector<std::string> result;  // co-mounted controllers share theirs
    for (const std::string& name : used_) {
      std::string dir = directory(name);
      if (std::find(result.begin(), result.end(), dir) == result.end()) result.push_back(std::move(dir));
    }
    return result;
  }

 private:
  bool uses(const std::string& name) const { return std::find(used_.begin(), used_.end(), name) != used_.end(); }

  /// A hierarchy that no limit asked for when the container was made: whoever lives in the others moves in.
  Status join_late(const std::string& name) {
    if (uses(name) || mounts_.v1.count(name) == 0 || used_.empty()) return {};
    BERTH_TRY_OK(make_directory(name));
    std::string joined = directory(name), other = directory(used_.front());
    used_.push_back(name);
    constexpr int kRounds = 100;  // new ones are born where their parent was before
    for (int round = 0; round < kRounds; ++round) {
      std::vector<pid_t> all, here;
      collect_processes(other, all);
      collect_processes(joined, here);
      if (here.size() >= all.size()) return {};
      for (pid_t pid : all) {
        Status moved = sys::write_existing(joined + "/cgroup.procs", std::to_string(pid));
        if (!moved && moved.error().code != ESRCH) return moved;  // ESRCH: it has ended meanwhile
      }
    }
    return make_error(fmt::format("processes of {} are born faster than they can be moved", other));
  }

  Status write_file(const Resources::File& file) const {
    if (!uses(file.controller)) {
      return make_error(fmt::format("{}: no hierarchy of this host has the controller {}", file.name, file.controller));
    }
    std::string dir = directory(file.controller);
    BERTH_TRY(sys::UniqueFd fd, sys::open_file(dir, O_PATH | O_DIRECTORY));
    return sys::write_existing_at(fd.ref(), file.name, file.value).context("control group {}", dir);
  }

  std::string directory(const std::string& name) const {
    auto mount = mounts_.v1.find(name);
    return mount == mounts_.v1.end() ? "" : mount->second + "/" + path_;
  }

  Status make_directory(const std::string& name) const {
    return make_group(mounts_.v1.at(name), path_, name == "cpuset" ? prepare_cpuset : nullptr);
  }

  /// Every group between the root and ours needs CPUs and nodes before anybody can join it.
  static Status prepare_cpuset(const std::string& dir) {
    bool prepared = !trim(read_text(dir + "/cpuset.cpus")).empty() && !trim(read_text(dir + "/cpuset.mems")).empty();
    if (prepared) return {};
    BERTH_TRY(sys::UniqueFd fd, sys::open_file(dir, O_PATH | O_DIRECTORY));
    return apply_cpuset_v1(fd.ref(), Resources{}).context("{}", dir);
  }

  Status apply_one(const std::string& name, const Resources& resources, Status (*write)(sys::FdRef, const Resources&)) {
    if (!uses(name)) return {};
    std::string dir = directory(name);
    BERTH_TRY(sys::UniqueFd fd, sys::open_file(dir, O_PATH | O_DIRECTORY));
    return write(fd.ref(), resources).context("control group {}", dir);
  }

  const CgroupMounts mounts_;
  const std::string path_;
  std::vector<std::string> used_;
};

}  // namespace

std::unique_ptr<CgroupControllers> make_v1_controllers(const CgroupMounts& mounts, std::string path) {
  return std::make_unique<V1Controllers>(mounts, std::move(path));
}

}  // namespace berth::runtime
