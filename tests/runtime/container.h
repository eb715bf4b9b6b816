#pragma once

#include <fcntl.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "base/text.h"
#include "runtime/cgroup.h"
#include "runtime/exec.h"
#include "runtime/launch.h"
#include "sys/file.h"
#include "sys/netns.h"
#include "tests/support/temp_dir.h"

namespace berth::test {

using namespace berth::runtime;

/// Loud skip: prints why and returns true where the test cannot run.
inline bool needs_root() {
  if (geteuid() == 0) return false;
  WARN("skipped: starting containers needs root");
  return true;
}

inline std::string slurp(const std::string& path) {
  return sys::read_file(path).value_or("(unreadable)");
}

inline void spit(const std::string& path, const std::string& text, mode_t mode = 0644) {
  REQUIRE(sys::write_file_atomic(path, text, sys::Durability::none, mode).ok());
}

/// A root file system of a busybox, directories for overlay, and a container of them that writes into a pipe.
/// Whatever is left of it at the end fails the test.
class Container {
 public:
  Container() {
    for (const char* dir : {"layer/bin", "layer/etc", "layer/tmp", "layer/root", "upper", "work"}) {
      REQUIRE(sys::make_dirs(dir_ / dir).ok());
    }
    std::filesystem::copy_file("/bin/busybox", dir_ / "layer/bin/busybox");
    for (const char* name :
         {"sh",   "cat",   "ls",   "true", "id",  "sleep", "mount",   "hostname", "readlink", "stat", "grep",
          "echo", "touch", "kill", "ps",   "tty", "dd",    "unshare", "env",      "pwd",      "test", "wc"}) {
      std::filesystem::create_symlink("busybox", dir_ / (std::string("layer/bin/") + name));
    }
    spit(dir_ / "layer/etc/passwd",
         "root:x:0:0:root:/root:/bin/sh\napp:x:500:501:App:/home/app:/bin/sh\n1000:x:0:0:trick:/root:/bin/sh\n");
    spit(dir_ / "layer/etc/group", "root:x:0:\napp:x:501:\nextra:x:502:app\n");
    spec.id = "t" + sys::random_hex(6);
    spec.hostname = "inside";
    spec.layers = {dir_ / "layer"};
    spec.upper_dir = dir_ / "upper";
    spec.work_dir = dir_ / "work";
    spec.cgroup_path = "berth-test-" + sys::random_hex(3) + "/" + spec.id;
    Result<sys::Netns> netns = sys::Netns::create();
    REQUIRE(netns.ok());
    netns_ = std::move(*netns);
  }

  ~Container() {
    if (Result<Cgroup> group = Cgroup::open(host.cgroups(), spec.cgroup_path); group.ok()) {
      (void)group->kill();
      for (int i = 0; i < 200 && group->populated().value_or(false); ++i) usleep(10'000);
      (void)group->remove();
    }
    CHECK(leftovers().empty());
  }

  /// Control groups and mounts with the container's name.
  std::vector<std::string> leftovers() const {
    std::vector<std::string> found;
    std::set<std::string> roots = {host.cgroups().v2};
    for (const auto& [name, mount] : host.cgroups().v1) roots.insert(mount);
    std::string parent = spec.cgroup_path.substr(0, spec.cgroup_path.find('/'));
    for (const std::string& root : roots) {
      if (sys::exists(root + "/" + parent)) found.push_back(root + "/" + parent);
    }
    if (slurp("/proc/self/mountinfo").find(dir_.path()) != std::string::npos)
      found.push_back("a mount of " + dir_.path());
    return found;
  }

  /// Starts with stdout and stderr in a pipe.
  Result<Running> start(bool with_network = true) {
    int ends[2];
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    output_.reset(ends[0]);
    sys::UniqueFd writer(ends[1]);
    LaunchIo io;
    io.out = writer.ref();
    io.err = writer.ref();
    if (with_network) io.netns = netns_.fd();
    Result<Launch> launch = Launch::start(host, spec, io);
    if (!launch) return std::move(launch).error();
    writer.reset();
    Result<Running> running = launch->finish();
    exit_code = launch->exit_code();
    return running;
  }

  /// Runs a shell script to its end; what it wrote, and its wait status in `status`.
  std::string run(const std::string& script) {
    spec.args = {"/bin/sh", "-c", script};
    return run_args();
  }
  std::string run_args() {
    Result<Running> running = start();
    INFO((running ? std::string() : running.error().full()));
    REQUIRE(running.ok());
    std::string text = sys::read_all(output_.ref()).value_or("");
    status = reap(*running);
    return text;
  }

  /// Runs a process in `running` and collects what it writes.
  std::string exec(const Running& running, ExecSpec exec_spec) {
    int ends[2];
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    sys::UniqueFd reader(ends[0]), writer(ends[1]);
    LaunchIo io;
    io.out = writer.ref();
    io.err = writer.ref();
    Result<Launch> launch = start_exec(host, spec, running.pidfd, exec_spec, io);
    REQUIRE(launch.ok());
    writer.reset();
    Result<Running> process = launch->finish();
    INFO((process ? std::string() : process.error().full()));
    REQUIRE(process.ok());
    std::string text = sys::read_all(reader.ref()).value_or("");
    status = reap(*process);
    return text;
  }

  static int reap(const Running& running) {
    int result = 0;
    REQUIRE(waitpid(running.pid, &result, 0) == running.pid);
    return result;
  }

  Cgroup cgroup() const { return Cgroup::open(host.cgroups(), spec.cgroup_path).value(); }

  /// Kills all and reaps the first process.
  void stop(const Running& running) {
    REQUIRE(cgroup().kill().ok());
    reap(running);
  }

  std::string layer(const std::string& path) const { return dir_ / ("layer/" + path); }
  std::string dir(const std::string& path) const { return dir_ / path; }
  const sys::Netns& netns() const { return netns_; }
  sys::FdRef output() const { return output_.ref(); }

  /// One line of the container's output, without its end.
  std::string read_line() const {
    std::string line;
    char c = 0;
    while (read(output_.get(), &c, 1) == 1 && c != '\n') line += c;
    return line;
  }

  Host host = Host::discover("").value();
  ContainerSpec spec;
  int status = -1;
  int exit_code = 0;

 private:
  TempDir dir_;
  sys::Netns netns_;
  sys::UniqueFd output_;
};

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace berth::test
