#include "runtime/cgroup.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <ctime>
#include <filesystem>
#include <set>

#include "base/text.h"
#include "runtime/cgroup_controllers.h"
#include "runtime/cgroup_leftovers.h"
#include "sys/file.h"

namespace berth::runtime {
namespace {

constexpr int kRemoveTries = 100;
constexpr long kRemovePauseNs = 10'000'000;
constexpr int kFreezeTimeoutMs = 2000;

void pause_a_little() {
  timespec pause{0, kRemovePauseNs};
  (void)nanosleep(&pause, nullptr);
}

bool valid_path(const std::string& path) {
  if (path.empty() || path.front() == '/') return false;
  for (const std::string& part : split(path, '/')) {
    if (part.empty() || part == "." || part == "..") return false;
  }
  return true;
}

/// Removes a group and those below it, deepest first. A process that is just leaving keeps it busy for a moment.
Status remove_group(const std::string& dir) {
  for (int attempt = 0;; ++attempt) {
    if (rmdir(dir.c_str()) == 0 || errno == ENOENT || errno == ENODEV) return {};
    if (errno != EBUSY && errno != ENOTEMPTY) return sys_error("remove control group " + dir, errno);
    std::error_code ignored;  // gone in between: the next rmdir tells
    bool below = false;
    for (const auto& entry : std::filesystem::directory_iterator(dir, ignored)) {
      if (!entry.is_directory(ignored) || entry.is_symlink(ignored)) continue;
      below = true;
      BERTH_TRY_OK(remove_group(entry.path().string()));
    }
    if (below) continue;
    if (attempt == kRemoveTries) return sys_error("remove control group " + dir, EBUSY);
    pause_a_little();
  }
}

std::string parent_of(const std::string& path) {
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

/// On a group that was made for those below it.
constexpr char kMark[] = "trusted.berth";

/// Whether a group above that of a container goes with the last one in it: not one that somebody prepared.
bool made_by_us(const std::string& root, const std::string& path) {
  if (path.starts_with("berth-") && path.find('/') == std::string::npos) return true;
  return getxattr((root + "/" + path).c_str(), kMark, nullptr, 0) >= 0;
}

void remove_parents(const std::string& root, const std::string& path) {
  for (std::string parent = parent_of(path); !parent.empty(); parent = parent_of(parent)) {
    // Refused as long as other containers are in it.
    if (!made_by_us(root, parent) || rmdir((root + "/" + parent).c_str()) != 0) return;
  }
}

std::unique_ptr<CgroupControllers> controllers_for(const CgroupMounts& mounts, const std::string& path) {
  return mounts.hybrid() ? make_v1_controllers(mounts, path) : make_v2_controllers(mounts, path);
}

}  // namespace

void collect_processes(const std::string& dir, std::vector<pid_t>& pids) {
  for (const std::string& line : split(read_text(dir + "/cgroup.procs"), '\n')) {
    if (std::optional<unsigned long long> pid = parse_unsigned(line); pid && *pid != 0)
      pids.push_back(static_cast<pid_t>(*pid));
  }
  std::error_code ignored;  // a group that vanishes has no processes
  for (const auto& entry : std::filesystem::directory_iterator(dir, ignored)) {
    if (entry.is_directory(ignored)) collect_processes(entry.path().string(), pids);
  }
}

Status make_group(const std::string& root, const std::string& path, Status (*each)(const std::string&)) {
  // Mostly those above it are there.
  if (each == nullptr && mkdir((root + "/" + path).c_str(), 0755) == 0) return {};
  // A parent may go with the last one in it between its mkdir and the next.
  constexpr int kTries = 10;
  for (int attempt = 0;; ++attempt) {
    int code = 0;
    for (size_t end = 0; end != std::string::npos && code == 0;) {
      end = path.find('/', end + 1);
      std::string dir = root + "/" + path.substr(0, end);
      bool made = mkdir(dir.c_str(), 0755) == 0;
      if (!made && errno != EEXIST) code = errno;
      // Without the mark it stays for good, which harms nobody.
      if (made && end != std::string::npos) (void)setxattr(dir.c_str(), kMark, "1", 1, 0);
      if (code == 0 && each != nullptr) BERTH_TRY_OK(each(dir));
    }
    if (code == 0) return {};
    if (code != ENOENT || attempt == kTries)
      return sys_error(fmt::format("make control group {}/{}", root, path), code);
  }
}

std::string read_text(const std::string& path) {
  return sys::read_file(path, 1 << 20).value_or("");
}

uint64_t read_number(const std::string& path) {
  return parse_unsigned(trim(read_text(path))).value_or(0);
}

uint64_t read_keyed(const std::string& path, std::string_view key) {
  for (const std::string& line : split(read_text(path), '\n')) {
    if (line.size() > key.size() && line.starts_with(key) && line[key.size()] == ' ') {
      return parse_unsigned(trim(std::string_view(line).substr(key.size() + 1))).value_or(0);
    }
  }
  return 0;
}

Cgroup::Cgroup(std::string path, std::string tracking, sys::UniqueFd directory,
               std::unique_ptr<CgroupControllers> controllers)
    : path_(std::move(path)),
      tracking_(std::move(tracking)),
      directory_(std::move(directory)),
      controllers_(std::move(controllers)) {}
Cgroup::Cgroup(Cgroup&&) noexcept = default;
Cgroup& Cgroup::operator=(Cgroup&&) noexcept = default;
Cgroup::~Cgroup() = default;

Result<Cgroup> Cgroup::create(const CgroupMounts& mounts, const std::string& path, const Resources& resources,
                              const std::vector<DeviceRule>& devices) {
  if (!valid_path(path)) return make_error(fmt::format("control group path \"{}\" is not valid", printable(path)));
  std::string tracking = mounts.v2 + "/" + path;
  BERTH_TRY_OK(make_group(mounts.v2, path));
  BERTH_TRY(sys::UniqueFd directory, sys::open_file(tracking, O_RDONLY | O_DIRECTORY));
  Cgroup group(path, tracking, std::move(directory), controllers_for(mounts, path));
  // Ours by name, but somebody lives in it: another runtime's leftover or a bug. Never touch what runs.
  BERTH_TRY(bool populated, group.populated());
  if (populated) return sys_error(fmt::format("control group {} has processes", tracking), EBUSY);
  auto set_up = [&]() -> Status {
    BERTH_TRY_OK(group.controllers_->create(resources));
    return group.controllers_->apply_devices(devices);
  };
  if (Status made = set_up(); !made) {
    (void)group.remove();  // what it was made for has failed already, and that is what the caller has to hear
    return std::move(made).error();
  }
  return group;
}

Result<Cgroup> Cgroup::open(const CgroupMounts& mounts, const std::string& path) {
  if (!valid_path(path)) return make_error(fmt::format("control group path \"{}\" is not valid", printable(path)));
  std::string tracking = mounts.v2 + "/" + path;
  BERTH_TRY(sys::UniqueFd directory, sys::open_file(tracking, O_RDONLY | O_DIRECTORY));
  return Cgroup(path, tracking, std::move(directory), controllers_for(mounts, path));
}

Status clear_cgroup(const CgroupMounts& mounts, const std::string& path) {
  if (Result<Cgroup> group = Cgroup::open(mounts, path)) BERTH_TRY_OK(group->kill());
  std::set<std::string> roots{mounts.v2};
  for (const auto& [controller, root] : mounts.v1) roots.insert(root);
  for (const std::string& root : roots) {
    BERTH_TRY_OK(remove_group(root + "/" + path));
    remove_parents(root, path);
  }
  return {};
}

Result<std::vector<sys::UniqueFd>> Cgroup::open_v1_tasks() const {
  return controllers_->open_tasks();
}
std::vector<std::pair<std::string, std::string>> Cgroup::visible() const {
  return controllers_->visible();
}
Status Cgroup::apply(const Resources& resources) const {
  return controllers_->apply(resources);
}
Result<CgroupStats> Cgroup::stats() const {
  return controllers_->stats();
}
uint64_t Cgroup::oom_kills() const {
  return controllers_->oom_kills();
}

Result<sys::UniqueFd> Cgroup::open_directory_beside(pid_t member) const {
  if (trim(read_text(tracking_ + "/cgroup.subtree_control")).empty()) {
    return sys::open_file(tracking_, O_RDONLY | O_DIRECTORY);
  }
  const std::string ours = "0::/" + path_;  // as in cgroups(7): the v2 hierarchy has number 0 and no controllers
  for (const std::string& line : split(read_text(fmt::format("/proc/{}/cgroup", member)), '\n')) {
    if (line == ours || line.starts_with(ours + "/")) {
      return sys::open_file(tracking_ + line.substr(ours.size()), O_RDONLY | O_DIRECTORY);
    }
  }
  return sys_error(fmt::format("find process {} in control group {}", member, tracking_), ESRCH);
}

Status Cgroup::attach(pid_t pid) const {
  std::string number = std::to_string(pid);
  BERTH_TRY_OK(sys::write_existing(tracking_ + "/cgroup.procs", number));
  for (const std::string& dir : controllers_->directories()) {
    BERTH_TRY_OK(sys::write_existing(dir + "/cgroup.procs", number));
  }
  return {};
}

Status Cgroup::kill() const {
  Status killed = sys::write_existing_at(directory_.ref(), "cgroup.kill", "1");
  if (killed) return {};
  // Whoever removes a group takes its files first, so the directory may be in sight a moment longer than they are.
  if (killed.error().code == ENODEV) return {};
  if (killed.error().code != ENOENT) return killed;
  return sys::exists(tracking_ + "/cgroup.procs") ? kill_each() : Status();
}

Status Cgroup::kill_each() const {
  for (int attempt = 0; attempt < kRemoveTries; ++attempt) {
    Status still = freeze();  // so that nobody forks meanwhile; what is frozen can be killed
    BERTH_TRY(std::vector<pid_t> pids, processes());
    for (pid_t pid : pids) (void)::kill(pid, SIGKILL);
    (void)thaw();  // fails where the group has gone
    if (still || pids.empty()) return {};
    pause_a_little();
  }
  return sys_error("kill what is in control group " + tracking_, ETIMEDOUT);
}

Result<bool> Cgroup::populated() const {
  if (!sys::exists(tracking_)) return false;
  return read_keyed(tracking_ + "/cgroup.events", "populated") == 1;
}

Result<bool> Cgroup::frozen() const {
  return read_keyed(tracking_ + "/cgroup.events", "frozen") == 1;
}

Result<sys::UniqueFd> Cgroup::open_events() const {
  return sys::open_at(directory_.ref(), "cgroup.events", O_RDONLY);
}

Status Cgroup::freeze() const {
  BERTH_TRY(sys::UniqueFd events, open_events());
  BERTH_TRY_OK(sys::write_existing_at(directory_.ref(), "cgroup.freeze", "1"));
  timespec start{};
  clock_gettime(CLOCK_MONOTONIC, &start);
  for (;;) {
    // Reading arms the next notification (cgroup-v2.rst: "poll and notification events are generated when the value
    // changes").
    BERTH_TRY(bool done, frozen());
    if (done) return {};
    BERTH_TRY(bool alive, populated());
    if (!alive) return {};  // nobody left to freeze
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    long elapsed = (now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1'000'000;
    if (elapsed >= kFreezeTimeoutMs) break;
    pollfd poller{.fd = events.get(), .events = POLLPRI, .revents = 0};
    constexpr int kSlice = 20;  // not every kernel notifies v2 files of a hybrid host at once
    (void)poll(&poller, 1, kSlice);
  }
  (void)thaw();  // half frozen is worse than running, and the time-out is what the caller has to hear
  return sys_error("freeze control group " + tracking_, ETIMEDOUT);
}

Status Cgroup::thaw() const {
  return sys::write_existing_at(directory_.ref(), "cgroup.freeze", "0");
}

Result<std::vector<pid_t>> Cgroup::processes() const {
  std::vector<pid_t> pids;
  collect_processes(tracking_, pids);
  return pids;
}

Status Cgroup::remove() const {
  Status first;
  std::vector<std::string> dirs = controllers_->directories();
  dirs.push_back(tracking_);
  for (const std::string& dir : dirs) {
    Status removed = remove_group(dir);
    if (!removed && first) first = std::move(removed);
    remove_parents(dir.substr(0, dir.size() - path_.size() - 1), path_);
  }
  return first;
}

}  // namespace berth::runtime
