#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <functional>
#include <thread>

#include "tests/runtime/container.h"

using namespace berth;
using namespace berth::test;

namespace {

/// From now on fsconfig(2) answers this thread and its children as it does for a file system that has not been changed
/// to the new mount interface.
bool refuse_descriptors_as_options() {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fsconfig, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[1])),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FSCONFIG_SET_FD, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EOPNOTSUPP),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  sock_fprog filter{sizeof program / sizeof program[0], program};
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) == 0;
}

}  // namespace

TEST_CASE("a container runs as process 1 in namespaces of its own") {
  if (needs_root()) return;
  Container container;
  std::string text = container.run(
      "echo pid $$; hostname; for n in pid mnt uts ipc net cgroup; do readlink /proc/self/ns/$n; done; exit 7");
  CHECK(WEXITSTATUS(container.status) == 7);
  std::vector<std::string> lines = split(text, '\n');
  REQUIRE(lines.size() >= 8);
  CHECK(lines[0] == "pid 1");
  CHECK(lines[1] == "inside");
  const char* names[] = {"pid", "mnt", "uts", "ipc", "net", "cgroup"};
  for (size_t i = 0; i < 6; ++i) {
    std::string ours = std::filesystem::read_symlink(std::string("/proc/self/ns/") + names[i]).string();
    CHECK(lines[2 + i].starts_with(names[i]));
    CHECK(lines[2 + i] != ours);
  }
}

TEST_CASE("a container sees exactly its own mounts and nothing of the host's") {
  if (needs_root()) return;
  Container container;
  std::string text = container.run("cat /proc/self/mountinfo; ls /");
  std::vector<std::string> points;
  for (const std::string& line : split(text, '\n')) {
    std::vector<std::string> words = split(line, ' ');
    if (words.size() > 6) points.push_back(words[4]);
  }
  REQUIRE(points.size() > 8);
  CHECK(points[0] == "/");
  for (const char* expected :
       {"/proc", "/dev", "/dev/pts", "/dev/shm", "/dev/mqueue", "/sys", "/sys/fs/cgroup", "/proc/sys"}) {
    CHECK(std::find(points.begin(), points.end(), expected) != points.end());
  }
  for (const std::string& point : points) {
    bool known = point == "/" || point.starts_with("/proc") || point.starts_with("/dev") || point.starts_with("/sys");
    CHECK(known);
  }
  CHECK_FALSE(contains(text, "work\n"));
}

TEST_CASE("proc and sys are masked and read-only as Docker has it") {
  if (needs_root()) return;
  Container container;
  std::string text = container.run(
      "for f in interrupts kcore keys timer_list; do [ -e /proc/$f ] && echo $f $(cat /proc/$f 2>&1 | wc -c); done;"
      "for d in /proc/acpi /proc/scsi /sys/firmware; do [ -d $d ] && echo $d $(ls $d | wc -l); done;"
      "echo 1 > /proc/sys/kernel/panic && echo wrote sysctl; echo h > /proc/sysrq-trigger && echo wrote sysrq;"
      "touch /sys/x && echo wrote sys; touch /sys/fs/cgroup/x && echo wrote cgroup; touch /proc/bus/x && echo wrote "
      "bus; echo done");
  CHECK(contains(text, "done\n"));
  CHECK(contains(text, "interrupts 0\n"));
  CHECK_FALSE(contains(text, "wrote"));
  for (const std::string& line : split(text, '\n')) {
    if (line.starts_with("/proc/") || line.starts_with("/sys/")) CHECK(line.ends_with(" 0"));
  }
}

TEST_CASE("the lists of masked and read-only paths do not drift") {
  std::vector<std::string> fixed;
  for (const std::string& path : default_masked_paths()) {
    if (!contains(path, "thermal_throttle")) fixed.push_back(path);
  }
  CHECK(join(fixed, " ") ==
        "/proc/acpi /proc/asound /proc/interrupts /proc/kcore /proc/keys /proc/latency_stats /proc/sched_debug "
        "/proc/scsi "
        "/proc/timer_list /proc/timer_stats /sys/devices/virtual/powercap /sys/firmware");
  CHECK(join(default_read_only_paths(), " ") == "/proc/bus /proc/fs /proc/irq /proc/sys /proc/sysrq-trigger");
}

TEST_CASE("no descriptor but stdio reaches the program, whatever the caller has open") {
  if (needs_root()) return;
  Container container;
  int leak = open("/etc/hostname", O_RDONLY);  // no close-on-exec, on purpose
  REQUIRE(leak > 2);
  // ls itself opens the directory as 3.
  CHECK(container.run("exec ls /proc/self/fd") == "0\n1\n2\n3\n");
  Container running;
  running.spec.args = {"/bin/sleep", "100"};
  Running process = running.start().value();
  CHECK(running.exec(process, {.args = {"ls", "/proc/self/fd"}}) == "0\n1\n2\n3\n");
  running.stop(process);
  close(leak);
}

TEST_CASE("stdin that nobody gives is the container's own null device") {
  if (needs_root()) return;
  Container container;
  CHECK(container.run("readlink /proc/self/fd/0; stat -c %t:%T /dev/null; cat") == "/dev/null\n1:3\n");
}

TEST_CASE("a failing command has the shell's exit codes and leaves nothing behind") {
  if (needs_root()) return;
  Container container;
  spit(container.layer("bin/plain"), "text", 0644);
  spit(container.layer("bin/script"), "#!/no/such/interpreter\n", 0755);
  struct Case {
    std::string command;
    int code;
    std::string words;
  };
  for (const Case& row :
       {Case{"nosuch", 127, "not found in PATH"}, Case{"/bin/nosuch", 127, "not found"}, Case{"plain", 126, "execute"},
        Case{"/etc", 126, "execute"}, Case{"/bin/script", 127, "interpreter is missing"}}) {
    for (bool init : {false, true}) {
      INFO(row.command << " init " << init);
      container.spec.args = {row.command};
      container.spec.init = init;
      Result<Running> running = container.start();
      REQUIRE_FALSE(running.ok());
      CHECK(container.exit_code == row.code);
      CHECK(contains(running.error().message(), row.words));
      CHECK(container.leftovers().empty());
    }
  }
  CHECK(waitpid(-1, nullptr, WNOHANG) == -1);  // ECHILD: nobody is left
}

TEST_CASE("each step that can fail names its object and rolls back") {
  if (needs_root()) return;
  struct Case {
    const char* name;
    std::function<void(Container&)> spoil;
    std::string words;
  };
  const Case cases[] = {
      {"layer", [](Container& c) { c.spec.layers.push_back("/no/such/layer"); }, "/no/such/layer"},
      {"upper", [](Container& c) { c.spec.upper_dir = "/no/upper"; }, "/no/upper"},
      {"bind source", [](Container& c) { c.spec.mounts = {BindMount{.source = "/no/source", .target = "/x"}}; },
       "/no/source"},
      {"bind type", [](Container& c) { c.spec.mounts = {BindMount{.source = "/etc", .target = "/etc/passwd"}}; },
       "/etc/passwd"},
      {"proc target", [](Container& c) { c.spec.mounts = {TmpfsMount{.target = "/proc/sys"}}; }, "/proc/sys"},
      {"proc by link",
       [](Container& c) {
         std::filesystem::create_symlink("/proc", c.layer("link"));
         c.spec.mounts = {TmpfsMount{.target = "/link/sys"}};
       },
       "/link/sys"},
      {"tmpfs option", [](Container& c) { c.spec.mounts = {TmpfsMount{.target = "/x", .options = {"size=1m,exec"}}}; },
       "size=1m,exec"},
      {"user", [](Container& c) { c.spec.user = "nobody-here"; }, "nobody-here"},
      {"capability", [](Container& c) { c.spec.cap_add = {"NET_ADMN"}; }, "NET_ADMN"},
      {"sysctl of the host",
       [](Container& c) {
         c.spec.sysctls = {{"kernel.panic", "1"}};
       },
       "kernel.panic"},
      {"sysctl smuggling",
       [](Container& c) {
         c.spec.sysctls = {{"net.core.somaxconn", "1\n2"}};
       },
       "not valid"},
      {"sysctl missing",
       [](Container& c) {
         c.spec.sysctls = {{"net.core.no_such", "1"}};
       },
       "no_such"},
      {"memory", [](Container& c) { c.spec.resources.memory = 1000; }, "6 MiB"},
      {"cpuset", [](Container& c) { c.spec.resources.cpuset_cpus = "0-4000000000"; }, "cpuset"},
      {"cwd is a file", [](Container& c) { c.spec.cwd = "/etc/passwd"; }, "/etc/passwd"},
      {"device", [](Container& c) { c.spec.devices = {{"/dev/no-such"}}; }, "/dev/no-such"},
      {"no command", [](Container& c) { c.spec.args.clear(); }, "no command"},
      {"oom", [](Container& c) { c.spec.oom_score_adj = 5000; }, "oom_score_adj"},
  };
  for (const Case& row : cases) {
    INFO(row.name);
    Container container;
    container.spec.args = {"/bin/true"};
    row.spoil(container);
    Result<Running> running = container.start();
    REQUIRE_FALSE(running.ok());
    CHECK(contains(running.error().message(), row.words));
    CHECK(container.leftovers().empty());
    CHECK(waitpid(-1, nullptr, WNOHANG) == -1);
  }
}

TEST_CASE("a launch that is dropped kills its child") {
  if (needs_root()) return;
  Container container;
  container.spec.args = {"/bin/sleep", "1000"};
  { CHECK(Launch::start(container.host, container.spec, {}).ok()); }
  CHECK(container.leftovers().empty());
  CHECK(waitpid(-1, nullptr, WNOHANG) == -1);
}

TEST_CASE("all ways to stack layers give the same root, with whiteouts and many layers") {
  if (needs_root()) return;
  for (OverlayMethod method : {OverlayMethod::automatic, OverlayMethod::append_path, OverlayMethod::classic}) {
    INFO("method " << static_cast<int>(method));
    Container container;
    container.spec.overlay = method;
    std::vector<std::string> layers;
    for (int i = 0; i < 60; ++i) {
      std::string dir = container.dir("layers/" + std::to_string(i));
      REQUIRE(sys::make_dirs(dir).ok());
      spit(dir + "/which", std::to_string(i));
      spit(dir + "/from-" + std::to_string(i), "");
      layers.push_back(dir);
    }
    layers.insert(layers.end(), container.spec.layers.begin(), container.spec.layers.end());
    container.spec.layers = layers;
    REQUIRE(mknod((layers[0] + "/from-59").c_str(), S_IFCHR, 0) == 0);
    CHECK(container.run("cat /which; ls / | grep -c from; echo > /new") == "059\n");
    CHECK(sys::exists(container.dir("upper/new")));
    CHECK_FALSE(sys::exists(container.layer("new")));
  }
}

TEST_CASE("the root is made on a kernel whose overlay takes options as text only (before Linux 6.5)") {
  if (needs_root()) return;
  Container container;
  container.spec.args = {"/bin/grep", " / / ", "/proc/self/mountinfo"};
  std::string root;
  std::thread([&] {  // of its own, because there is no way back
    if (refuse_descriptors_as_options() && container.start().ok()) root = container.read_line();
  })
      .join();
  CHECK(contains(root, "lowerdir=/proc/self/fd/"));
  CHECK(waitpid(-1, nullptr, 0) > 0);
}

TEST_CASE("a root of one directory works as well as layers") {
  if (needs_root()) return;
  Container container;
  container.spec.rootfs = container.dir("layer");
  container.spec.layers.clear();
  CHECK(container.run("id -u; echo hello") == "0\nhello\n");
}

TEST_CASE("many starts overlap") {
  if (needs_root()) return;
  constexpr size_t kCount = 8;
  std::vector<std::unique_ptr<Container>> containers;
  std::vector<Launch> launches;
  for (size_t i = 0; i < kCount; ++i) {
    containers.push_back(std::make_unique<Container>());
    containers.back()->spec.args = {"/bin/sleep", "1000"};
    launches.push_back(Launch::start(containers.back()->host, containers.back()->spec, {}).value());
  }
  for (size_t i = 0; i < kCount; ++i) {
    pollfd poller{.fd = launches[i].ready_fd().get(), .events = POLLIN, .revents = 0};
    REQUIRE(poll(&poller, 1, 10'000) == 1);
    Running running = launches[i].finish().value();
    CHECK(running.identity == sys::identify(running.pid).value());
    containers[i]->stop(running);
  }
}
