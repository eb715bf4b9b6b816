// Drives the real berth-keeper with fake_supervisor.cpp.

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <functional>

#include "base/text.h"
#include "engine/log_reader.h"
#include "sys/file.h"
#include "sys/pidfd.h"
#include "sys/unix_socket.h"
#include "tests/support/temp_dir.h"

using namespace berth;

namespace {

using Words = std::vector<std::string>;

/// Tries every 5 ms until it holds. Ten seconds are no measurement, only an end.
bool eventually(const std::function<bool()>& holds) {
  for (int i = 0; i < 2000; ++i) {
    if (holds()) return true;
    usleep(5000);
  }
  return false;
}

/// A keeper with its fake supervisor in a run directory of its own.
class Keeper {
 public:
  explicit Keeper(rlim_t file_limit = 0) : file_limit_(file_limit) {
    // The supervisor looks for the keeper beside itself, and both by their names.
    REQUIRE(sys::make_dirs(dir_ / "bin").ok());
    REQUIRE(sys::make_dirs(run()).ok());
    std::filesystem::copy_file(BERTH_KEEPER, dir_ / "bin/berth-keeper");
    std::filesystem::copy_file(BERTH_FAKE_SUPERVISOR, dir_ / "bin/berth-supervisor");
    // What outlives its parent comes to us, so that the end of a killed keeper's heirs can be waited for.
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    start();
  }
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;
  ~Keeper() {
    // All at once: a supervisor whose keeper has gone would become the keeper.
    for (pid_t group : groups_) kill(-group, SIGKILL);
    while (waitpid(-1, nullptr, 0) > 0) continue;
  }

  void start() { keeper_ = start_another(); }

  sys::Pidfd start_another() {
    pid_t pid = fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
      setpgid(0, 0);
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (file_limit_ > 0) {
        rlimit limit{file_limit_, file_limit_};
        setrlimit(RLIMIT_FSIZE, &limit);
      }
      std::string keeper = dir_ / "bin/berth-keeper", supervisor = dir_ / "bin/berth-supervisor", run_dir = run();
      execl(keeper.c_str(), "berth-keeper", run_dir.c_str(), supervisor.c_str(), nullptr);
      _exit(127);
    }
    setpgid(pid, pid);
    groups_.push_back(pid);
    return sys::Pidfd::open(pid).value();
  }

  /// What the supervisor answers, whenever there is one; "" if there is none for ten seconds.
  std::string ask(const std::string& command) {
    std::string reply;
    eventually([&] {
      Result<sys::UniqueFd> socket = sys::connect_unix(run() + "/supervisor.sock");
      if (!socket || !sys::send_with_fds(socket->ref(), command, {})) return false;
      reply = sys::read_all(socket->ref()).value_or("");
      return !reply.empty();
    });
    return std::string(trim(reply));
  }

  /// The same once it is `expected`, else what it was at last.
  std::string ask_until(const std::string& command, const std::string& expected) {
    std::string reply;
    eventually([&] { return (reply = ask(command)) == expected; });
    return reply;
  }

  /// {pid, "new" or "old", keys}
  Words who() {
    Words words = split(ask("who"), ' ');
    words.resize(3);
    REQUIRE(parse_unsigned(words[0]).value_or(0) > 1);
    return words;
  }

  void kill_supervisor() {
    pid_t pid = static_cast<pid_t>(parse_unsigned(who()[0]).value());
    sys::Pidfd process = sys::Pidfd::open(pid).value();
    REQUIRE(process.signal(SIGKILL).ok());
    REQUIRE(eventually([&] { return kill(pid, 0) != 0; }));  // the keeper has reaped it
  }

  [[nodiscard]] bool lock_is_free() const {
    sys::UniqueFd lock = sys::open_file(run() + "/keeper.lock", O_RDWR).value();
    return flock(lock.get(), LOCK_EX | LOCK_NB) == 0;
  }

  [[nodiscard]] std::string run() const { return dir_ / "run"; }
  [[nodiscard]] pid_t pid() const { return groups_.back(); }
  sys::Pidfd& process() { return keeper_; }

 private:
  test::TempDir dir_;
  rlim_t file_limit_;  // bytes that a file may have; 0 = any number
  sys::Pidfd keeper_;
  std::vector<pid_t> groups_;
};

/// What the log holds so far: "1:text", with "…" behind parts, "1$" for the end of a stream, "-N" for lost lines.
Words read_log(const std::string& path) {
  Words lines;
  Result<engine::LogReader> reader = engine::LogReader::open(path);
  if (!reader) return lines;
  using Kind = engine::LogEntry::Kind;
  while (std::optional<engine::LogEntry> entry = reader->next()) {
    if (entry->kind == Kind::end) lines.push_back(std::to_string(entry->stream) + "$");
    if (entry->kind == Kind::gap) lines.push_back("-" + std::to_string(entry->lost));
    if (entry->kind != Kind::text) continue;
    lines.push_back(std::to_string(entry->stream) + ":" + std::string(entry->text) + (entry->partial ? "…" : ""));
  }
  return lines;
}

/// The log once it has so many entries.
Words log_of(const std::string& path, size_t entries) {
  Words lines;
  eventually([&] { return (lines = read_log(path)).size() >= entries; });
  return lines;
}

sys::UniqueFd fifo(const std::string& path) {
  REQUIRE(mkfifo(path.c_str(), 0600) == 0);
  return sys::open_file(path, O_RDWR | O_NONBLOCK).value();
}

void write_to(const sys::UniqueFd& fd, const std::string& text) {
  REQUIRE(sys::write_all(fd.ref(), text).ok());
}

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

TEST_CASE("the keeper starts its supervisor, and another one when that is killed") {
  Keeper keeper;
  Words first = keeper.who();
  CHECK(first[1] == "new");
  CHECK_FALSE(keeper.lock_is_free());
  keeper.kill_supervisor();
  Words second = keeper.who();
  CHECK(second[0] != first[0]);
  CHECK(second[1] == "old");
  // One that goes by itself is no different.
  CHECK(keeper.ask("exit") == "ok");
  REQUIRE(eventually([&] { return keeper.who()[0] != second[0]; }));
}

TEST_CASE("descriptors that a supervisor stored come back to the next one") {
  Keeper keeper;
  CHECK(keeper.ask("store dns/a alpha") == "ok");
  CHECK(keeper.ask("store tty/b beta") == "ok");
  CHECK(keeper.ask("store tty/c gamma") == "ok");
  CHECK(keeper.ask("store tty/b newer") == "ok");
  CHECK(keeper.ask("drop tty/c") == "ok");
  for (int round : {1, 2}) {
    INFO(round);
    keeper.kill_supervisor();
    CHECK(keeper.who()[2] == "dns/a,tty/b");
    CHECK(keeper.ask("read dns/a") == "alpha+second");
    CHECK(keeper.ask("read tty/b") == "newer+second");
    CHECK(keeper.ask("read tty/c") == "nothing");
  }
}

TEST_CASE("a child's end is told, and told again to the next supervisor") {
  Keeper keeper;
  std::string seven = keeper.ask("spawn 7");
  std::string told = seven + ":" + std::to_string(7 << 8);
  CHECK(keeper.ask_until("exits", told) == told);

  std::string sleeper = keeper.ask("spawn sleep");
  pid_t pid = static_cast<pid_t>(parse_unsigned(sleeper).value());
  keeper.kill_supervisor();
  CHECK(keeper.ask("exits") == told);
  CHECK(kill(pid, 0) == 0);  // its parent is the keeper
  REQUIRE(kill(pid, SIGTERM) == 0);
  told += "," + sleeper + ":" + std::to_string(SIGTERM);
  CHECK(keeper.ask_until("exits", told) == told);
  CHECK(kill(pid, 0) != 0);  // and has reaped it
}

TEST_CASE("output is cut into lines, each with its stream, and goes on without a supervisor") {
  Keeper keeper;
  std::string log = keeper.run() + "/log";
  sys::UniqueFd out = fifo(keeper.run() + "/out"), err = fifo(keeper.run() + "/err");
  CHECK(keeper.ask("pump " + keeper.run() + " " + keeper.run() + "/out " + keeper.run() + "/err") == "ok");
  write_to(out, "one\ntwo\n\n");
  CHECK(log_of(log, 3) == Words{"1:one", "1:two", "1:"});
  write_to(err, "bad\n");
  CHECK(log_of(log, 4).back() == "2:bad");
  write_to(out, "name? ");
  CHECK(log_of(log, 5).back() == "1:name? …");

  pid_t supervisor = static_cast<pid_t>(parse_unsigned(keeper.who()[0]).value());
  REQUIRE(kill(supervisor, SIGSTOP) == 0);
  write_to(out, "me\n");
  CHECK(log_of(log, 6).back() == "1:me");
  REQUIRE(kill(supervisor, SIGCONT) == 0);
}

TEST_CASE("a line longer than a frame is written in parts and loses nothing") {
  Keeper keeper;
  std::string log = keeper.run() + "/log";
  sys::UniqueFd out = fifo(keeper.run() + "/out");
  std::string text;
  for (int i = 0; text.size() < 50'000; ++i) text += std::to_string(i) + " ";
  CHECK(keeper.ask("pump " + keeper.run() + " " + keeper.run() + "/out") == "ok");
  write_to(out, text + "\nend\n");
  std::string joined;
  REQUIRE(eventually([&] { return !read_log(log).empty() && read_log(log).back() == "1:end"; }));
  Result<engine::LogReader> reader = engine::LogReader::open(log);
  REQUIRE(reader);
  while (std::optional<engine::LogEntry> entry = reader->next()) {
    CHECK(entry->text.size() <= kMaxLogPayload);
    if (entry->text != "end") joined += entry->text;
  }
  CHECK(joined == text);
}

TEST_CASE("many short lines at once all arrive, in order") {
  Keeper keeper;
  std::string log = keeper.run() + "/log";
  sys::UniqueFd out = fifo(keeper.run() + "/out");
  CHECK(keeper.ask("pump " + keeper.run() + " " + keeper.run() + "/out") == "ok");
  std::string newlines(60'000, '\n');  // each becomes a frame: many times what was read
  write_to(out, newlines + "end\n");
  REQUIRE(eventually([&] { return !read_log(log).empty() && read_log(log).back() == "1:end"; }));
  CHECK(read_log(log).size() == newlines.size() + 1);
}

TEST_CASE("a stream that ends with an open line says so") {
  Keeper keeper;
  std::string log = keeper.run() + "/log";
  sys::UniqueFd out = fifo(keeper.run() + "/out");
  CHECK(keeper.ask("pump " + keeper.run() + " " + keeper.run() + "/out") == "ok");
  write_to(out, "whole\nopen");
  CHECK(log_of(log, 2) == Words{"1:whole", "1:open…"});
  out.reset();
  CHECK(log_of(log, 3).back() == "1$");
}

TEST_CASE("a log that is full goes on in the next file, and the oldest goes") {
  Keeper keeper;
  std::string log = keeper.run() + "/log";
  sys::UniqueFd out = fifo(keeper.run() + "/out");
  CHECK(keeper.ask("limits 1000 3") == "ok");
  CHECK(keeper.ask("pump " + keeper.run() + " " + keeper.run() + "/out") == "ok");
  const std::string text(300, 'x');
  for (int i = 0; i < 20; ++i) {
    std::string last = "1:" + text + std::to_string(i);
    write_to(out, text + std::to_string(i) + "\n");
    REQUIRE(eventually([&] { return !read_log(log).empty() && read_log(log).back() == last; }));
  }
  // Three frames a file; two full files and the one with the last two lines.
  CHECK(read_log(log).size() == 8);
  CHECK(engine::LogReader::newest(keeper.run()) == 6);
  CHECK_FALSE(std::filesystem::exists(log));
  CHECK_FALSE(std::filesystem::exists(log + ".3"));
}

TEST_CASE("what the file system does not take is counted where it is missing, and nobody waits") {
  Keeper keeper(4096);  // for each file, as a full disk for all
  std::string log = keeper.run() + "/log";
  sys::UniqueFd out = fifo(keeper.run() + "/out");
  CHECK(keeper.ask("pump " + keeper.run() + " " + keeper.run() + "/out") == "ok");
  std::string lines;
  for (int i = 0; i < 1000; ++i) lines += "line " + std::to_string(i) + "\n";
  write_to(out, lines);
  auto lost = [&] {
    Result<engine::LogReader> reader = engine::LogReader::open(log);
    uint64_t kept = 0;
    while (reader && reader->next()) ++kept;
    return reader && reader->open_gap() ? kept + reader->open_gap()->lost : 0;
  };
  REQUIRE(eventually([&] { return lost() == 1000; }));
  write_to(out, lines);
  REQUIRE(eventually([&] { return lost() == 2000; }));
  CHECK(sys::read_all(sys::open_file(log, O_RDONLY).value().ref()).value().size() <= 4096);
  CHECK(read_log(log).front() == "1:line 0");
}

TEST_CASE("a log of no files takes the output and keeps nothing") {
  Keeper keeper;
  sys::UniqueFd out = fifo(keeper.run() + "/out");
  CHECK(keeper.ask("limits 0 0") == "ok");
  CHECK(keeper.ask("pump " + keeper.run() + " " + keeper.run() + "/out") == "ok");
  std::string much(1 << 20, '\n');
  fcntl(out.get(), F_SETFL, 0);  // this waits until somebody reads
  write_to(out, much);
  CHECK_FALSE(std::filesystem::exists(keeper.run() + "/log"));
}

TEST_CASE("a keeper that is told to leave takes its files and its lock with it") {
  Keeper keeper;
  CHECK(keeper.ask("store a b") == "ok");
  keeper.who();
  CHECK(keeper.ask("leave") == "ok");
  // The socket goes at once; the process when the supervisor has ended.
  REQUIRE(eventually([&] { return !std::filesystem::exists(keeper.run() + "/supervisor.sock"); }));
  CHECK_FALSE(keeper.process().exited());
  Result<sys::UniqueFd> refused = sys::connect_unix(keeper.run() + "/supervisor.sock");
  CHECK_FALSE(refused);
}

TEST_CASE("a keeper that leaves ends with its supervisor, and the next one begins with nothing") {
  Keeper keeper;
  CHECK(keeper.ask("store a b") == "ok");
  pid_t supervisor = static_cast<pid_t>(parse_unsigned(keeper.who()[0]).value());
  CHECK(keeper.ask("leave") == "ok");
  REQUIRE(kill(supervisor, SIGKILL) == 0);
  REQUIRE(keeper.process().wait_exit(10'000));
  CHECK(sys::list_dir(keeper.run()).value() == Words{"keeper.lock"});
  CHECK(keeper.lock_is_free());
  keeper.start();
  Words next = keeper.who();
  CHECK(next[1] == "new");
  CHECK(next[2].empty());
}

TEST_CASE("a second keeper waits for the first one's lock") {
  Keeper keeper;
  Words first = keeper.who();
  sys::Pidfd second = keeper.start_another();
  CHECK(keeper.who()[0] == first[0]);
  CHECK_FALSE(second.exited());
  CHECK(keeper.ask("leave") == "ok");
  REQUIRE(kill(static_cast<pid_t>(parse_unsigned(first[0]).value()), SIGKILL) == 0);
  REQUIRE(keeper.process().wait_exit(10'000));
  Words next = keeper.who();
  CHECK(next[0] != first[0]);
  CHECK(next[1] == "new");
  CHECK_FALSE(second.exited());
}

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
