#include <fmt/core.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <csignal>

#include "tests/runtime/container.h"

using namespace berth;
using namespace berth::test;

namespace {

constexpr char kWho[] =
    "for n in pid mnt uts ipc net cgroup; do readlink /proc/self/ns/$n; done;"
    "grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status; cat /proc/self/cgroup; grep 'open files' "
    "/proc/self/limits; echo $A $PATH";

int prctl_dumpable() {
  return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
}

Running start_sleeper(Container& container) {
  container.spec.args = {"/bin/sh", "-c", std::string(kWho) + "; echo ready; exec sleep 1000"};
  return container.start().value();
}

std::string until_ready(const Container& container) {
  std::string text;
  for (std::string line = container.read_line(); line != "ready"; line = container.read_line()) text += line + "\n";
  return text;
}

}  // namespace

TEST_CASE("exec is in all respects inside: namespaces, capabilities, seccomp, control groups, limits, environment") {
  if (needs_root()) return;
  for (bool no_new_privileges : {false, true}) {
    Container container;
    container.spec.env = {"A=1"};
    container.spec.no_new_privileges = no_new_privileges;
    container.spec.rlimits = {{RLIMIT_NOFILE, 77, 99}};
    Running running = start_sleeper(container);
    std::string expected = until_ready(container);
    std::string ours = std::filesystem::read_symlink("/proc/self/ns/pid_for_children").string();
    CHECK(container.exec(running, {.args = {"sh", "-c", kWho}}) == expected);
    CHECK(contains(expected, " 77  "));
    // Our own children are born where they were before.
    CHECK(std::filesystem::read_symlink("/proc/self/ns/pid_for_children").string() == ours);
    CHECK(prctl_dumpable() == 1);
    CHECK(container.exec(running, {.args = {"sh", "-c", "echo $A$B; pwd"}, .env = {"A=2", "B=3"}, .cwd = "/tmp"}) ==
          "23\n/tmp\n");
    container.stop(running);
  }
}

TEST_CASE("exec goes where the first process is when the container has control groups of its own") {
  if (needs_root()) return;
  Container container;
  const std::string top = container.host.cgroups().v2;
  const std::set<std::string>& offered = container.host.cgroups().v2_controllers;
  if (offered.empty()) {
    WARN("skipped: the v2 hierarchy of this host has no controllers");
    return;
  }
  container.spec.args = {"/bin/sleep", "1000"};
  Running running = container.start().value();
  // What systemd or Docker would do inside: a leaf for the processes, controllers for groups beside it.
  const std::string group = top + "/" + container.spec.cgroup_path;
  const std::string controller = (offered.count("pids") != 0 ? "pids" : *offered.begin());
  const bool handed_down = contains(slurp(top + "/cgroup.subtree_control"), controller);
  REQUIRE(mkdir((group + "/leaf").c_str(), 0755) == 0);
  REQUIRE(sys::write_existing(group + "/leaf/cgroup.procs", std::to_string(running.pid)).ok());
  for (const std::string& dir : {top, group.substr(0, group.rfind('/')), group}) {
    REQUIRE(sys::write_existing(dir + "/cgroup.subtree_control", "+" + controller).ok());
  }
  CHECK(contains(container.exec(running, {.args = {"cat", "/proc/self/cgroup"}}), "0::/leaf\n"));
  container.stop(running);
  REQUIRE(container.cgroup().remove().ok());
  if (!handed_down) CHECK(sys::write_existing(top + "/cgroup.subtree_control", "-" + controller).ok());
}

TEST_CASE("exec returns the shell's codes and refuses what cannot work") {
  if (needs_root()) return;
  Container container;
  spit(container.layer("bin/plain"), "text", 0644);
  Running running = start_sleeper(container);
  (void)until_ready(container);
  struct Case {
    ExecSpec spec;
    int code;
  };
  for (const Case& row :
       {Case{{.args = {"nosuch"}}, 127}, Case{{.args = {"plain"}}, 126},
        Case{{.args = {"true"}, .cwd = "/no/such"}, 125}, Case{{.args = {"true"}, .cwd = "/proc/self/fd/3"}, 125}}) {
    Result<Launch> launch = start_exec(container.host, container.spec, running.pidfd, row.spec, {});
    REQUIRE(launch.ok());
    CHECK_FALSE(launch->finish().ok());
    CHECK(launch->exit_code() == row.code);
  }
  CHECK(container.exec(running, {.args = {"sh", "-c", "exit 42"}}).empty());
  CHECK(WEXITSTATUS(container.status) == 42);

  REQUIRE(container.cgroup().freeze().ok());
  CHECK(contains(start_exec(container.host, container.spec, running.pidfd, {.args = {"true"}}, {}).error().message(),
                 "paused"));
  REQUIRE(container.cgroup().thaw().ok());

  container.stop(running);
  CHECK(start_exec(container.host, container.spec, running.pidfd, {.args = {"true"}}, {}).error().code == ESRCH);
}

TEST_CASE("a privileged exec has all capabilities in a plain container") {
  if (needs_root()) return;
  Container container;
  Running running = start_sleeper(container);
  (void)until_ready(container);
  std::string text = container.exec(
      running, {.args = {"sh", "-c", "grep -E 'CapEff|Seccomp:' /proc/self/status"}, .privileged = true});
  CHECK(contains(text, fmt::format("{:016x}", container.host.all_caps())));
  CHECK(contains(text, "Seccomp:\t0"));
  container.stop(running);
}

TEST_CASE("a terminal is the container's own, is its console, and belongs to the user") {
  if (needs_root()) return;
  Container container;
  container.spec.tty = true;
  container.spec.user = "app";
  container.spec.tty_rows = 33;
  container.spec.tty_columns = 77;
  container.spec.args = {"/bin/sh", "-c",
                         "tty; stat -c '%u %t:%T' $(tty); stat -c %t:%T /dev/console; busybox stty size; echo $TERM; "
                         "read x; echo got $x; exit 3"};
  Running running = container.start().value();
  REQUIRE(running.console_master.valid());
  REQUIRE(write(running.console_master.get(), "word\n", 5) == 5);
  std::string text;
  char buffer[512];
  for (ssize_t n; (n = read(running.console_master.get(), buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<size_t>(n));
  CHECK(contains(text, "/dev/pts/0"));
  CHECK(contains(text, "500 88:0"));
  CHECK(contains(text, "88:0\r\n33 77\r\nxterm\r\n"));
  CHECK(contains(text, "got word"));
  int status = Container::reap(running);
  CHECK(WEXITSTATUS(status) == 3);
}

TEST_CASE("exec gets a terminal of the container's own devpts") {
  if (needs_root()) return;
  Container container;
  Running running = start_sleeper(container);
  (void)until_ready(container);
  ExecSpec exec{.args = {"sh", "-c", "tty; [ -t 0 ] && [ -t 1 ] && echo yes"}, .tty = true};
  Running process = start_exec(container.host, container.spec, running.pidfd, exec, {}).value().finish().value();
  std::string text;
  char buffer[512];
  for (ssize_t n; (n = read(process.console_master.get(), buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<size_t>(n));
  CHECK(contains(text, "/dev/pts/0\r\nyes"));
  Container::reap(process);
  container.stop(running);
}

TEST_CASE("berth-init forwards signals, reaps orphans and ends as its program") {
  if (needs_root()) return;
  {
    Container container;
    container.spec.init = true;
    container.spec.args = {
        "/bin/sh", "-c",
        "trap 'echo term; exit 9' TERM; cat /proc/1/comm; (sleep 0.05 &) ; echo ready; while :; do sleep 0.05; done"};
    Running running = container.start().value();
    CHECK(container.read_line() == "berth-init");
    CHECK(container.read_line() == "ready");
    REQUIRE(running.pidfd.signal(SIGTERM).ok());
    CHECK(container.read_line() == "term");
    CHECK(WEXITSTATUS(Container::reap(running)) == 9);
  }
  {
    Container container;
    container.spec.init = true;
    std::string text = container.run(
        "sh -c 'sleep 0.1 & echo $! > /tmp/orphan'; sleep 0.5; [ -e /proc/$(cat /tmp/orphan) ] && echo zombie; kill "
        "-KILL $$");
    CHECK_FALSE(contains(text, "zombie"));
    CHECK(WEXITSTATUS(container.status) == 128 + SIGKILL);
  }
}

TEST_CASE("a second container can share the first one's pid, ipc and network namespaces") {
  if (needs_root()) return;
  Container first, second;
  Running running = start_sleeper(first);
  (void)until_ready(first);
  auto ns = [&](const char* name) {
    return sys::open_file(fmt::format("/proc/{}/ns/{}", running.pid, name), O_RDONLY).value();
  };
  sys::UniqueFd pid = ns("pid"), ipc = ns("ipc");
  second.spec.pid = NamespaceMode::join(pid.ref());
  second.spec.ipc = NamespaceMode::join(ipc.ref());
  std::string text = second.run("cat /proc/1/comm; echo $$; readlink /proc/self/ns/ipc");
  CHECK(text.starts_with("sleep\n"));
  CHECK_FALSE(contains(text, "\n1\n"));
  CHECK(contains(text, std::filesystem::read_symlink(fmt::format("/proc/{}/ns/ipc", running.pid)).string()));
  first.stop(running);
}

TEST_CASE("with clone_parent the caller's parent reaps") {
  if (needs_root()) return;
  Container container;
  container.spec.args = {"/bin/sh", "-c", "exit 5"};
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  pid_t middle = fork();
  if (middle == 0) {
    LaunchIo io;
    io.clone_parent = true;
    Result<Launch> launch = Launch::start(container.host, container.spec, io);
    pid_t pid = launch ? launch->pid() : 0;
    bool ok = launch && launch->finish().ok() && write(ends[1], &pid, sizeof pid) == sizeof pid;
    _exit(ok ? 0 : 1);
  }
  int status = 0;
  REQUIRE(waitpid(middle, &status, 0) == middle);
  REQUIRE(status == 0);
  pid_t pid = 0;
  REQUIRE(read(ends[0], &pid, sizeof pid) == sizeof pid);
  REQUIRE(waitpid(pid, &status, 0) == pid);
  CHECK(WEXITSTATUS(status) == 5);
  close(ends[0]);
  close(ends[1]);
}
