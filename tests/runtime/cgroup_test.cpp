#include "runtime/cgroup.h"

#include <sched.h>
#include <sys/sysmacros.h>

#include <csignal>

#include "runtime/bpf_devices.h"
#include "runtime/cgroup_controllers.h"
#include "runtime/devices.h"
#include "tests/runtime/container.h"

using namespace berth;
using namespace berth::test;

namespace {

/// A directory of empty files in the place of a control group.
struct FakeGroup {
  explicit FakeGroup(std::initializer_list<const char*> files) {
    for (const char* file : files) spit(dir / file, "");
    fd = sys::open_file(dir.path(), O_PATH | O_DIRECTORY).value();
  }
  std::string operator[](const std::string& file) const { return slurp(dir / file); }
  TempDir dir;
  sys::UniqueFd fd;
};

}  // namespace

TEST_CASE("mountinfo tells hybrid from pure hosts") {
  CgroupMounts hybrid = CgroupMounts::parse(
      "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n"
      "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
      "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
      "40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n"
      "41 31 0:38 / /sys/fs/cgroup/uni\\040fied rw - cgroup2 cgroup2 rw\n"
      "torn line");
  CHECK(hybrid.hybrid());
  CHECK(hybrid.v1.size() == 3);
  CHECK(hybrid.v1.at("cpuacct") == "/sys/fs/cgroup/cpu,cpuacct");
  CHECK(hybrid.v2 == "/sys/fs/cgroup/uni fied");
  CgroupMounts pure = CgroupMounts::parse("41 31 0:38 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n");
  CHECK_FALSE(pure.hybrid());
  CHECK(pure.v2 == "/sys/fs/cgroup");
}

TEST_CASE("memory limits in the words of v1 and v2") {
  Resources resources{.memory = 64 << 20, .memory_reservation = 32 << 20};
  FakeGroup v1({"memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.soft_limit_in_bytes"});
  REQUIRE(apply_memory_v1(v1.fd.ref(), resources).ok());
  CHECK(v1["memory.limit_in_bytes"] == "67108864");
  CHECK(v1["memory.memsw.limit_in_bytes"] == "134217728");
  CHECK(v1["memory.soft_limit_in_bytes"] == "33554432");
  FakeGroup v2({"memory.max", "memory.swap.max", "memory.low"});
  REQUIRE(apply_memory_v2(v2.fd.ref(), resources).ok());
  CHECK(v2["memory.max"] == "67108864");
  CHECK(v2["memory.swap.max"] == "67108864");
  CHECK(v2["memory.low"] == "33554432");

  FakeGroup unlimited({"memory.max", "memory.swap.max"});
  REQUIRE(apply_memory_v2(unlimited.fd.ref(), {.memory = 64 << 20, .memory_swap = -1}).ok());
  CHECK(unlimited["memory.swap.max"] == "max");
  FakeGroup no_swap({"memory.limit_in_bytes", "memory.max"});  // a kernel that does not count swap
  CHECK(apply_memory_v1(no_swap.fd.ref(), {.memory = 64 << 20}).ok());
  CHECK(apply_memory_v2(no_swap.fd.ref(), {.memory = 64 << 20}).ok());
  CHECK_FALSE(apply_memory_v2(no_swap.fd.ref(), {.memory = 64 << 20, .memory_swap = 32 << 20}).ok());
  CHECK_FALSE(apply_memory_v2(no_swap.fd.ref(), {.memory_swap = 32 << 20}).ok());
  CHECK_FALSE(apply_memory_v2(no_swap.fd.ref(), {.memory = 64 << 20, .memory_reservation = 65 << 20}).ok());
}

TEST_CASE("CPU limits in the words of v1 and v2") {
  FakeGroup v1({"cpu.shares", "cpu.cfs_period_us", "cpu.cfs_quota_us"});
  REQUIRE(apply_cpu_v1(v1.fd.ref(), {.nano_cpus = 500'000'000, .cpu_shares = 512}).ok());
  CHECK(v1["cpu.cfs_period_us"] == "100000");
  CHECK(v1["cpu.cfs_quota_us"] == "50000");
  CHECK(v1["cpu.shares"] == "512");
  FakeGroup v2({"cpu.weight", "cpu.max"});
  REQUIRE(apply_cpu_v2(v2.fd.ref(), {.nano_cpus = 500'000'000, .cpu_shares = 1024}).ok());
  CHECK(v2["cpu.max"] == "50000 100000");
  CHECK(v2["cpu.weight"] == "100");
  CHECK(cpu_weight(2) == 1);
  CHECK(cpu_weight(262144) == 10000);
  CHECK_FALSE(apply_cpu_v2(v2.fd.ref(), {.nano_cpus = 1, .cpu_quota_us = 1}).ok());
  CHECK_FALSE(apply_cpu_v1(v1.fd.ref(), {.nano_cpus = 100'000'000'000'000}).ok());
  CHECK_FALSE(apply_cpu_v2(v2.fd.ref(), {.cpu_rt_runtime_us = 1}).ok());
}

TEST_CASE("pids, cpusets and I/O weights") {
  FakeGroup group({"pids.max", "cpuset.cpus", "cpuset.mems", "io.weight", "blkio.weight"});
  REQUIRE(apply_pids(group.fd.ref(), {.pids_limit = 42}).ok());
  CHECK(group["pids.max"] == "42");
  REQUIRE(apply_pids(group.fd.ref(), {.pids_limit = -1}).ok());
  CHECK(group["pids.max"].starts_with("max"));
  REQUIRE(apply_cpuset_v2(group.fd.ref(), {.cpuset_cpus = "0-1"}).ok());
  CHECK(group["cpuset.cpus"] == "0-1");
  CHECK_FALSE(apply_cpuset_v2(group.fd.ref(), {.cpuset_cpus = "0;reboot"}).ok());
  CHECK_FALSE(apply_cpuset_v2(group.fd.ref(), {.cpuset_cpus = std::string(5000, '1')}).ok());
  REQUIRE(apply_io_v2(group.fd.ref(), {.blkio_weight = 500}).ok());
  CHECK(group["io.weight"] == "default 4950");
  REQUIRE(apply_blkio_v1(group.fd.ref(), {.blkio_weight = 500}).ok());
  CHECK(group["blkio.weight"] == "500");
  CHECK_FALSE(apply_io_v2(group.fd.ref(), {.blkio_weight = 5}).ok());
  CHECK_FALSE(apply_io_v2(group.fd.ref(), {.read_bps = {{"/dev/null", 1}}}).ok());
  CHECK(io_weight(10) == 1);
  CHECK(io_weight(1000) == 10000);
}

TEST_CASE("device rules are read and written in one form") {
  CHECK(parse_device_rule("c 1:3 rwm").value() == DeviceRule{'c', 1, 3, "rwm", true});
  CHECK(parse_device_rule("a *:* m").value() == DeviceRule{'a', -1, -1, "m", true});
  CHECK(render_device_rule({'b', 8, -1, "r", true}) == "b 8:* r");
  for (const char* wrong :
       {"", "c", "c 1:3", "x 1:3 r", "c 1 r", "c 1:3 x", "c -1:3 r", "c 1:3 rwmr", "c 1:3 r\nc *:* rwm"}) {
    INFO(wrong);
    CHECK_FALSE(parse_device_rule(wrong).ok());
  }
}

TEST_CASE("the kernel runs the v2 device program as the rules say") {
  if (needs_root()) return;
  CgroupMounts mounts = CgroupMounts::discover().value();
  std::string dir = mounts.v2 + "/berth-test-bpf-" + sys::random_hex(3);
  REQUIRE(mkdir(dir.c_str(), 0755) == 0);
  sys::UniqueFd group = sys::open_file(dir, O_RDONLY | O_DIRECTORY).value();
  TempDir nodes;
  REQUIRE(mknod((nodes / "zero").c_str(), S_IFCHR | 0666, makedev(1, 5)) == 0);
  REQUIRE(mknod((nodes / "full").c_str(), S_IFCHR | 0666, makedev(1, 7)) == 0);

  // In the group: may zero be read and written, full be read, a node be made?
  auto probe = [&] {
    pid_t pid = fork();
    if (pid == 0) {
      bool in = sys::write_existing(dir + "/cgroup.procs", "0").ok();
      int result = in ? 0 : 128;
      if (open((nodes / "zero").c_str(), O_RDONLY) >= 0) result |= 1;
      if (open((nodes / "zero").c_str(), O_RDWR) >= 0) result |= 2;
      if (open((nodes / "full").c_str(), O_RDONLY) >= 0) result |= 4;
      if (mknod((nodes / "made").c_str(), S_IFCHR | 0666, makedev(1, 3)) == 0) result |= 8;
      unlink((nodes / "made").c_str());
      _exit(result);
    }
    int status = 0;
    REQUIRE(waitpid(pid, &status, 0) == pid);
    return WEXITSTATUS(status);
  };
  CHECK(probe() == 15);
  REQUIRE(attach_device_program(group.ref(), assemble_device_program(default_device_rules())).ok());
  CHECK(probe() == 15);
  REQUIRE(attach_device_program(group.ref(), assemble_device_program({{'c', 1, 5, "r", true}})).ok());
  CHECK(probe() == 1);
  REQUIRE(
      attach_device_program(group.ref(), assemble_device_program({{'a', -1, -1, "rwm", true}, {'c', 1, 5, "w", false}}))
          .ok());
  CHECK(probe() == 13);
  REQUIRE(attach_device_program(group.ref(), assemble_device_program({{'b', -1, -1, "rwm", true}})).ok());
  CHECK(probe() == 0);
  group.reset();
  for (int i = 0; i < 100 && rmdir(dir.c_str()) != 0; ++i) usleep(10'000);
  CHECK_FALSE(sys::exists(dir));
}

TEST_CASE("limits of a running container stand in its control groups") {
  if (needs_root()) return;
  Container container;
  if (!container.host.cgroups().hybrid()) {
    WARN("skipped: this host has no v1 hierarchies");
    return;
  }
  container.spec.resources = {
      .memory = 64 << 20, .nano_cpus = 500'000'000, .cpu_shares = 256, .cpuset_cpus = "0", .pids_limit = 20};
  container.spec.args = {
      "/bin/sh", "-c",
      "cat /sys/fs/cgroup/memory/memory.limit_in_bytes; cat /proc/self/cgroup; echo end; exec sleep 1000"};
  Running running = container.start().value();
  CHECK(container.read_line() == "67108864");
  for (std::string line = container.read_line(); line != "end"; line = container.read_line())
    CHECK_FALSE(contains(line, "berth-test"));
  auto file = [&](const char* controller, const char* name) {
    return std::string(
        trim(slurp(container.host.cgroups().v1.at(controller) + "/" + container.spec.cgroup_path + "/" + name)));
  };
  CHECK(file("memory", "memory.limit_in_bytes") == "67108864");
  CHECK(file("cpu", "cpu.cfs_quota_us") == "50000");
  CHECK(file("cpu", "cpu.shares") == "256");
  CHECK(file("pids", "pids.max") == "20");
  CHECK(file("cpuset", "cpuset.cpus") == "0");
  for (const char* controller : {"memory", "cpu", "cpuacct", "pids", "devices", "cpuset"}) {
    CHECK(file(controller, "cgroup.procs") == std::to_string(running.pid));
  }
  CHECK(contains(file("devices", "devices.list"), "c 136:* rwm"));
  CHECK_FALSE(contains(file("devices", "devices.list"), "a *:* rwm"));

  Cgroup group = container.cgroup();
  CgroupStats stats = group.stats().value();
  CHECK(stats.memory_limit == 64 << 20);
  CHECK(stats.memory_usage > 0);
  CHECK(stats.memory_peak > 0);
  CHECK(stats.cpu_ns > 0);
  CHECK(stats.pids == 1);
  CHECK(group.processes().value() == std::vector<pid_t>{running.pid});
  REQUIRE(group.apply({.memory = 32 << 20}).ok());
  CHECK(file("memory", "memory.limit_in_bytes") == "33554432");
  REQUIRE(group.apply({.memory = 128 << 20}).ok());
  CHECK(file("memory", "memory.limit_in_bytes") == "134217728");
  container.stop(running);
}

TEST_CASE("limits of a running container stand in its one control group of a pure v2 host") {
  if (needs_root()) return;
  Container container;
  if (container.host.cgroups().hybrid()) {
    WARN("skipped: this host has v1 hierarchies; tests/vm/run has a machine without");
    return;
  }
  container.spec.resources = {.memory = 64 << 20,
                              .memory_swap = 96 << 20,
                              .memory_reservation = 32 << 20,
                              .nano_cpus = 500'000'000,
                              .cpu_shares = 1024,
                              .cpuset_cpus = "0",
                              .pids_limit = 20};
  container.spec.args = {"/bin/sh", "-c", "cat /sys/fs/cgroup/memory.max /proc/self/cgroup; echo end; exec sleep 1000"};
  Running running = container.start().value();
  CHECK(container.read_line() == "67108864");
  CHECK(container.read_line() == "0::/");
  CHECK(container.read_line() == "end");  // cat is no more
  const std::string dir = container.host.cgroups().v2 + "/" + container.spec.cgroup_path;
  auto file = [&](const char* name) { return std::string(trim(slurp(dir + "/" + name))); };
  CHECK(file("memory.max") == "67108864");
  CHECK(file("memory.swap.max") == "33554432");
  CHECK(file("memory.low") == "33554432");
  CHECK(file("cpu.max") == "50000 100000");
  CHECK(file("cpu.weight") == "100");
  CHECK(file("pids.max") == "20");
  CHECK(file("cpuset.cpus.effective") == "0");
  CHECK(file("cgroup.procs") == std::to_string(running.pid));

  Cgroup group = container.cgroup();
  CgroupStats stats = group.stats().value();
  CHECK(stats.memory_limit == 64 << 20);
  CHECK(stats.memory_usage > 0);
  CHECK(stats.memory_peak > 0);
  CHECK(stats.cpu_ns > 0);
  CHECK(stats.pids == 1);
  REQUIRE(group.apply({.memory = 128 << 20, .pids_limit = -1}).ok());
  CHECK(file("memory.max") == "134217728");
  CHECK(file("pids.max") == "max");
  container.stop(running);
}

TEST_CASE("limits are set also where processes live in the group that is our root") {
  if (needs_root()) return;
  CgroupMounts host = CgroupMounts::discover().value();
  if (host.v2_controllers.count("pids") == 0) {
    WARN("skipped: the v2 hierarchy of this host has no pids controller; tests/vm/run has one");
    return;
  }
  // As in a container: a group that is the root of a cgroup namespace, and we and others live in it.
  const std::string top = host.v2 + "/berth-test-root-" + sys::random_hex(3);
  REQUIRE(sys::write_existing(host.v2 + "/cgroup.subtree_control", "+pids").ok());
  REQUIRE(mkdir(top.c_str(), 0755) == 0);
  TempDir dir;
  pid_t pid = fork();
  if (pid == 0) {
    pid_t other = -1;
    auto inside = [&]() -> Status {
      BERTH_TRY_OK(sys::write_existing(top + "/cgroup.procs", "0"));
      other = fork();
      if (other == 0) {
        pause();
        _exit(0);
      }
      if (unshare(CLONE_NEWCGROUP | CLONE_NEWNS) != 0 || mount("", "/", "", MS_REC | MS_PRIVATE, "") != 0 ||
          mount("cgroup2", dir.path().c_str(), "cgroup2", 0, "") != 0) {
        return sys_error("make a cgroup namespace", errno);
      }
      CgroupMounts mounts;
      mounts.v2 = dir.path();
      mounts.v2_controllers = {"pids"};
      BERTH_TRY(Cgroup group, Cgroup::create(mounts, "berth-test/it", {.pids_limit = 42}, {}));
      if (trim(slurp(dir / "berth-test/it/pids.max")) != "42") return make_error("pids.max is not written");
      return group.remove();
    };
    Status done = inside();
    if (other > 0) kill(other, SIGKILL);
    if (!done) fputs((done.error().full() + "\n").c_str(), stderr);
    _exit(done ? 0 : 1);
  }
  int status = 0;
  REQUIRE(waitpid(pid, &status, 0) == pid);
  CHECK(status == 0);
  for (const std::string& group : {top + "/init", top}) {
    for (int i = 0; i < 100 && rmdir(group.c_str()) != 0 && errno == EBUSY; ++i) usleep(10'000);
  }
  CHECK_FALSE(sys::exists(top));
}

TEST_CASE("a process that takes too much memory is killed and counted") {
  if (needs_root()) return;
  Container container;
  container.spec.resources = {.memory = 16 << 20, .memory_swap = 16 << 20};
  container.spec.args = {"/bin/sh", "-c", "dd if=/dev/zero of=/dev/shm/f bs=1048576 count=40; exit $?"};
  CHECK_FALSE(sys::exists(container.host.cgroups().v2 + "/" + container.spec.cgroup_path));
  (void)container.run_args();
  CHECK(container.cgroup().oom_kills() >= 1);
}

TEST_CASE("freeze, thaw and kill act on everything in the container") {
  if (needs_root()) return;
  Container container;
  container.spec.args = {"/bin/sh", "-c", "sleep 1000 & sleep 1000 & while :; do :; done"};
  Running running = container.start().value();
  Cgroup group = container.cgroup();
  CHECK(group.populated().value());
  REQUIRE(group.freeze().ok());
  CHECK(group.frozen().value());
  REQUIRE(group.thaw().ok());
  REQUIRE(group.kill().ok());
  CHECK(WTERMSIG(Container::reap(running)) == SIGKILL);
  for (int i = 0; i < 200 && group.populated().value(); ++i) usleep(10'000);
  CHECK_FALSE(group.populated().value());
  REQUIRE(group.remove().ok());
  CHECK(group.remove().ok());
  CHECK(group.kill().ok());
}

TEST_CASE("a control group that somebody lives in is not taken over") {
  if (needs_root()) return;
  Container container;
  container.spec.args = {"/bin/sleep", "1000"};
  Running running = container.start().value();
  CHECK(Launch::start(container.host, container.spec, {}).error().code == EBUSY);
  CHECK(container.cgroup().populated().value());
  container.stop(running);
  CHECK_FALSE(Cgroup::create(container.host.cgroups(), "../escape", {}, {}).ok());
  CHECK_FALSE(Cgroup::create(container.host.cgroups(), "/absolute", {}, {}).ok());
}

TEST_CASE("devices are there and allowed only when given") {
  if (needs_root()) return;
  TempDir dir;
  REQUIRE(mkdir((dir / "nodes").c_str(), 0755) == 0);
  REQUIRE(mknod((dir / "nodes/odd").c_str(), S_IFCHR | 0600, makedev(10, 229)) ==
          0);  // fuse: opens for whoever the control group lets
  if (!sys::open_file(dir / "nodes/odd", O_RDWR).ok()) {
    WARN("skipped: this kernel has no fuse device to try with");
    return;
  }
  std::string script =
      "[ -c /dev/given/odd ] && echo there; : < /dev/given/odd && echo opened; : < /dev/zero && echo zero";
  {
    Container container;
    container.spec.devices = {{dir / "nodes", "/dev/given", "rw"}};
    CHECK(contains(container.run(script), "there\nopened\nzero\n"));
  }
  {
    Container container;  // the node alone, made inside, does not open the device
    std::string text =
        container.run("busybox mknod /tmp/odd c 10 229; [ -c /tmp/odd ] && echo there; : < /tmp/odd && echo opened");
    CHECK(contains(text, "there\n"));
    CHECK_FALSE(contains(text, "opened"));
  }
}
