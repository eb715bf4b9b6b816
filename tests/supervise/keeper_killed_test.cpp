// The real berth-keeper is killed, and who comes after it finds everything.

#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include "tests/supervise/keeper_process.h"

using namespace berth;
using namespace berth::test;

namespace {

/// Stops the process, lets `meanwhile` happen, and kills it at the `n`-th time that one of its system calls begins or
/// ends after that. False, and it lives on, if before that it has read all that is in the pipe and waits for more.
bool kill_at(pid_t pid, int n, const sys::UniqueFd& pipe, const std::function<void()>& meanwhile) {
  int status = 0;
  REQUIRE(ptrace(PTRACE_SEIZE, pid, nullptr, PTRACE_O_TRACESYSGOOD) == 0);
  REQUIRE(ptrace(PTRACE_INTERRUPT, pid, nullptr, nullptr) == 0);
  REQUIRE(waitpid(pid, &status, 0) == pid);
  meanwhile();
  for (int i = 0; i < n; ++i) {
    REQUIRE(ptrace(PTRACE_SYSCALL, pid, nullptr, nullptr) == 0);
    REQUIRE(waitpid(pid, &status, 0) == pid);
    __ptrace_syscall_info info{};
    ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info);
    int waiting = 0;
    REQUIRE(ioctl(pipe.get(), FIONREAD, &waiting) == 0);
    const bool asks = info.op == PTRACE_SYSCALL_INFO_ENTRY && info.entry.nr == SYS_epoll_wait;
    if (!asks || waiting > 0) continue;
    REQUIRE(ptrace(PTRACE_DETACH, pid, nullptr, nullptr) == 0);
    return false;
  }
  kill(pid, SIGKILL);
  REQUIRE(waitpid(pid, &status, 0) == pid);
  return true;
}

}  // namespace

TEST_CASE("a supervisor whose keeper is killed becomes the keeper and keeps what was stored") {
  Keeper keeper;
  CHECK(keeper.ask("store dns/a alpha") == "ok");
  pid_t heir = static_cast<pid_t>(parse_unsigned(keeper.who()[0]).value());
  sys::Pidfd heir_handle = sys::Pidfd::open(heir).value();
  REQUIRE(keeper.process().signal(SIGKILL).ok());
  REQUIRE(keeper.process().wait_exit(10'000));
  // The socket never closed, so whoever asks is answered by the heir's own supervisor.
  Words next = keeper.who();
  CHECK(next[0] != std::to_string(heir));
  CHECK(next[1] == "new");
  CHECK(next[2] == "dns/a");
  CHECK(keeper.ask("read dns/a") == "alpha+second");
  CHECK_FALSE(heir_handle.exited());
  CHECK_FALSE(keeper.lock_is_free());
}

TEST_CASE("wherever a keeper is killed, each line is in the log once") {
  const bool both = GENERATE(false, true);
  for (int stop = 1, went_on = 1; went_on != 0; ++stop) {
    INFO((both ? "with its supervisor, " : "alone, ") << "stop " << stop);
    Keeper keeper;
    std::string log = keeper.run() + "/log", fifo_path = keeper.run() + "/out";
    sys::UniqueFd out = fifo(fifo_path);
    CHECK(keeper.ask("limits 60 100") == "ok");  // two lines a file
    CHECK(keeper.ask("pump " + keeper.run() + " " + fifo_path) == "ok");
    write_to(out, "first\n");
    REQUIRE(log_of(log, 1).size() == 1);
    pid_t supervisor = static_cast<pid_t>(parse_unsigned(keeper.who()[0]).value());
    if (both) REQUIRE(kill(supervisor, SIGSTOP) == 0);
    went_on = kill_at(keeper.pid(), stop, out, [&] { write_to(out, "same\nsame\nsame\nsame\nopen"); }) ? 1 : 0;
    if (both) REQUIRE(kill(supervisor, SIGKILL) == 0);
    if (both && went_on != 0) {
      keeper.start();
      CHECK(keeper.ask("limits 60 100") == "ok");
      CHECK(keeper.ask("pump " + keeper.run() + " " + fifo_path) == "ok");
    }
    write_to(out, "\nlast\n");
    REQUIRE(eventually([&] { return !read_log(log).empty() && read_log(log).back() == "1:last"; }));
    // What was read in parts is written in parts.
    std::string text;
    for (const std::string& line : read_log(log)) {
      if (line == "1$") continue;
      text += line.ends_with("…") ? line.substr(2, line.size() - 2 - std::string("…").size()) : line.substr(2) + "\n";
    }
    CHECK(text == "first\nsame\nsame\nsame\nsame\nopen\nlast\n");
    CHECK(stop < 200);
  }
}

TEST_CASE("a keeper starts nothing before the helpers that were killed have gone") {
  Keeper keeper;
  pid_t supervisor = static_cast<pid_t>(parse_unsigned(keeper.who()[0]).value());
  CHECK(keeper.ask("leave") == "ok");
  REQUIRE(kill(supervisor, SIGKILL) == 0);
  pid_t dying = fork();
  if (dying == 0) {
    for (;;) pause();
  }
  REQUIRE(dying > 0);
  // As the lock's file names a supervisor: pid and start time.
  const std::string stat = sys::read_file("/proc/" + std::to_string(dying) + "/stat").value();
  const Words fields = split(stat.substr(stat.rfind(')') + 2), ' ');
  const int64_t record[2] = {dying, static_cast<int64_t>(parse_unsigned(fields.at(19)).value())};
  const std::string lock = keeper.run() + "/keeper.lock";
  REQUIRE(keeper.process().wait_exit(10'000));
  REQUIRE(pwrite(sys::open_file(lock, O_RDWR).value().get(), record, sizeof record, sizeof record) == sizeof record);
  keeper.start();
  REQUIRE(eventually([&] { return !keeper.lock_is_free(); }));
  CHECK_FALSE(std::filesystem::exists(keeper.run() + "/supervisor.sock"));
  REQUIRE(kill(dying, SIGKILL) == 0);
  CHECK(keeper.who()[1] == "new");
  REQUIRE(waitpid(dying, nullptr, 0) == dying);
}
