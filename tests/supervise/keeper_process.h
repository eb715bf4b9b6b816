#pragma once

// The real berth-keeper as a process, with fake_supervisor.cpp.

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/text.h"
#include "engine/log_reader.h"
#include "sys/file.h"
#include "sys/pidfd.h"
#include "sys/unix_socket.h"
#include "tests/support/temp_dir.h"

namespace berth::test {

using Words = std::vector<std::string>;

/// Tries every 5 ms until it holds. Ten seconds are no measurement, only an end.
inline bool eventually(const std::function<bool()>& holds) {
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
  TempDir dir_;
  rlim_t file_limit_;  // bytes that a file may have; 0 = any number
  sys::Pidfd keeper_;
  std::vector<pid_t> groups_;
};

/// What the log holds so far: "1:text", with "…" behind parts, "1$" for the end of a stream, "-N" for lost lines.
inline Words read_log(const std::string& path) {
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
inline Words log_of(const std::string& path, size_t entries) {
  Words lines;
  eventually([&] { return (lines = read_log(path)).size() >= entries; });
  return lines;
}

inline sys::UniqueFd fifo(const std::string& path) {
  REQUIRE(mkfifo(path.c_str(), 0600) == 0);
  return sys::open_file(path, O_RDWR | O_NONBLOCK).value();
}

inline void write_to(const sys::UniqueFd& fd, const std::string& text) {
  REQUIRE(sys::write_all(fd.ref(), text).ok());
}

}  // namespace berth::test
