#include "builder/run.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "base/text.h"
#include "builder/merged_path.h"
#include "dockerfile/path_pattern.h"
#include "runtime/cgroup.h"
#include "runtime/launch.h"
#include "sys/file.h"
#include "sys/pidfd.h"

namespace berth::builder {
namespace {

constexpr const char* kGroupPrefix = "build-";

std::string group_path(const sys::Paths& paths, const std::string& id) {
  return fmt::format("berth-{}/{}{}", paths.tag(), kGroupPrefix, id);
}

/// Points where something was mounted that the layers below do not have: nothing of them belongs into the new layer.
class MountPoints {
 public:
  MountPoints(const RunRequest& request, const std::vector<std::string>& targets) : request_(request) {
    for (const std::string& target : targets) note(dockerfile::clean_path(target));
  }

  /// Deepest first. What the process put there in the way of the mount stays: then it is no mount point of ours.
  void remove() const {
    for (auto path = missing_.rbegin(); path != missing_.rend(); ++path) {
      size_t slash = path->rfind('/');
      Result<sys::UniqueFd> parent = open_directory(slash == std::string::npos ? "" : path->substr(0, slash));
      if (!parent) continue;
      const std::string name = path->substr(slash + 1);
      struct stat info {};
      if (fstatat(parent->get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
      if (S_ISDIR(info.st_mode))
        unlinkat(parent->get(), name.c_str(), AT_REMOVEDIR);
      else if (S_ISREG(info.st_mode) && info.st_size == 0)
        unlinkat(parent->get(), name.c_str(), 0);
    }
  }

 private:
  /// A directory of the upper one. A link on the way, which the process may have left there, is followed nowhere
  /// (CVE-2024-23652).
  [[nodiscard]] Result<sys::UniqueFd> open_directory(const std::string& path) const {
    constexpr int kFlags = O_PATH | O_DIRECTORY | O_NOFOLLOW;
    BERTH_TRY(sys::UniqueFd directory, sys::open_file(request_.scratch_dir + "/upper", kFlags));
    for (const std::string& part : split(path, '/')) {
      if (part.empty()) continue;
      BERTH_TRY(directory, sys::open_at(directory.ref(), part, kFlags));
    }
    return directory;
  }

  /// The path and those around it that are not there yet.
  void note(const std::string& path) {
    std::string so_far;
    for (const std::string& part : split(path, '/')) {
      if (part.empty()) continue;
      so_far += (so_far.empty() ? "" : "/") + part;
      Result<Found> found = find_path(request_.layers, so_far, true);
      struct stat info {};
      bool written = lstat((request_.scratch_dir + "/upper/" + so_far).c_str(), &info) == 0;
      if (!written && found && !found->exists()) missing_.push_back(so_far);
    }
  }

  const RunRequest& request_;
  std::vector<std::string> missing_;
};

constexpr const char* kHostname = "buildkitsandbox";  // Docker's: some programs' output depends on it

std::string hosts_file(const RunRequest& request) {
  std::string text = fmt::format("127.0.0.1\tlocalhost {}\n::1\tlocalhost ip6-localhost ip6-loopback\n", kHostname);
  for (const auto& [name, given] : request.extra_hosts) {
    const std::string& address = given == "host-gateway" ? request.network.host_address : given;
    if (!address.empty()) text += address + "\t" + name + "\n";
  }
  return text;
}

runtime::BindMount read_only_bind(const std::string& source, const std::string& target) {
  runtime::BindMount bind;
  bind.source = source;
  bind.target = target;
  bind.read_only = bind.nosuid = bind.nodev = bind.noexec = true;
  return bind;
}

std::string target_of(const runtime::MountSpec& mount) {
  return std::visit([](const auto& one) { return one.target; }, mount);
}

/// Reads what there is; false at the end.
bool pump(int fd, const Output& output) {
  char buffer[16384];
  ssize_t n = read(fd, buffer, sizeof buffer);
  if (n < 0 && (errno == EINTR || errno == EAGAIN)) return true;
  if (n <= 0) return false;
  output({buffer, static_cast<size_t>(n)});
  return true;
}

int reap(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/// Everything in the group is gone, and so is the group.
void end_group(const runtime::CgroupMounts& mounts, const std::string& path) {
  Result<runtime::Cgroup> group = runtime::Cgroup::open(mounts, path);
  if (!group) return;
  (void)group->kill();  // what is left of it is seen by the next build's sweep
  for (int tries = 0; tries < 100 && group->populated().value_or(false); ++tries) usleep(10'000);
  (void)group->remove();
}

Result<int> follow(const runtime::Running& running, sys::UniqueFd output_end, const Output& output,
                   const std::function<bool()>& cancelled, const std::function<void()>& kill) {
  constexpr int kAskMs = 200;
  bool open = true, killed = false;
  while (open || !running.pidfd.exited()) {
    pollfd fds[] = {{running.pidfd.fd().get(), POLLIN, 0}, {open ? output_end.get() : -1, POLLIN, 0}};
    poll(fds, 2, kAskMs);
    if (open && fds[1].revents != 0) open = pump(output_end.get(), output);
    // Somebody in the background may hold the pipe open: the end of the first process is the end.
    if ((fds[0].revents & POLLIN) != 0 && (fds[1].revents & POLLIN) == 0) break;
    if (!killed && cancelled()) killed = true, kill();
  }
  return reap(running.pid);
}

}  // namespace

Result<int> run(runtime::Host& host, const sys::Paths& paths, const RunRequest& request, const Output& output,
                const std::function<bool()>& cancelled) {
  std::string id = sys::random_hex(16);
  BERTH_TRY_OK(sys::make_dirs(request.scratch_dir + "/upper", 0755));
  BERTH_TRY_OK(sys::make_dirs(request.scratch_dir + "/work", 0700));
  std::string hosts = request.scratch_dir + "/hosts", resolv_conf = request.scratch_dir + "/resolv.conf";
  BERTH_TRY_OK(sys::write_file_atomic(hosts, hosts_file(request), sys::Durability::none));
  BERTH_TRY_OK(sys::write_file_atomic(resolv_conf, request.network.resolv_conf, sys::Durability::none));
  runtime::ContainerSpec spec;
  spec.id = id;
  spec.hostname = kHostname;
  spec.layers = request.layers;
  spec.upper_dir = request.scratch_dir + "/upper";
  spec.work_dir = request.scratch_dir + "/work";
  spec.args = request.args;
  spec.env = request.env;
  spec.cwd = request.cwd;
  spec.user = request.user;
  spec.init = true;
  spec.die_with_parent = true;
  spec.shm_size = request.shm_size;
  spec.rlimits = request.rlimits;
  spec.privileged = request.privileged;
  spec.cgroup_path = group_path(paths, id);
  spec.mounts = request.mounts;
  spec.mounts.emplace_back(read_only_bind(hosts, "/etc/hosts"));
  spec.mounts.emplace_back(read_only_bind(resolv_conf, "/etc/resolv.conf"));
  std::vector<std::string> targets = {"proc", "sys", "dev", "dev/pts", "dev/shm", "dev/mqueue"};
  for (const runtime::MountSpec& mount : spec.mounts) targets.push_back(target_of(mount));
  MountPoints points(request, targets);

  int pipes[2];
  if (pipe2(pipes, O_CLOEXEC) != 0) return sys_error("pipe", errno);
  sys::UniqueFd read_end(pipes[0]), write_end(pipes[1]);
  BERTH_TRY(sys::UniqueFd null, sys::open_file("/dev/null", O_RDONLY));
  runtime::LaunchIo io;
  io.in = null.ref();
  io.out = io.err = write_end.ref();
  io.netns = request.network.netns.fd();
  BERTH_TRY(runtime::Launch launch, runtime::Launch::start(host, spec, io));
  Result<runtime::Running> running = launch.finish();
  if (!running) {
    points.remove();
    return std::move(running).error();
  }
  write_end.reset();
  auto kill_all = [&] { (void)running->pidfd.signal(SIGKILL); };  // first process of its pid namespace: all go
  Result<int> code = follow(*running, std::move(read_end), output, cancelled, kill_all);
  end_group(host.cgroups(), spec.cgroup_path);
  points.remove();
  return code;
}

void sweep_control_groups(runtime::Host& host, const sys::Paths& paths) {
  std::string groups = fmt::format("{}/berth-{}", host.cgroups().v2, paths.tag());
  Result<std::vector<std::string>> names = sys::list_dir(groups);
  if (!names) return;  // nothing ran yet
  for (const std::string& name : *names) {
    if (name.starts_with(kGroupPrefix)) end_group(host.cgroups(), fmt::format("berth-{}/{}", paths.tag(), name));
  }
}

}  // namespace berth::builder
