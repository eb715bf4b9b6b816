// A supervisor for keeper_test.cpp: the real KeeperLink, and on the keeper's socket one command a connection, a line
// each way.

#include <fcntl.h>
#include <fmt/core.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>

#include "base/text.h"
#include "supervise/keeper_link.h"
#include "sys/file.h"

using namespace berth;
using namespace berth::supervise;

namespace {

class FakeSupervisor {
 public:
  FakeSupervisor(asio::io_context& io, KeeperLink& link)
      : link_(link), socket_(io, fcntl(link.listener().get(), F_DUPFD_CLOEXEC, 10)) {
    link_.listen({[this](const ExitRecord& exit) { exits_.push_back(exit); }});
    wait();
  }

 private:
  void wait() {
    socket_.async_wait(asio::posix::stream_descriptor::wait_read, [this](boost::system::error_code error) {
      if (!error) answer(sys::UniqueFd(accept4(socket_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC)));
      wait();
    });
  }

  void answer(sys::UniqueFd client) {
    char line[4096];
    ssize_t n = client.valid() ? read(client.get(), line, sizeof line) : 0;
    if (n <= 0) return;
    std::string reply = carry_out(split(std::string_view(line, static_cast<size_t>(n)), ' ')) + "\n";
    (void)sys::write_all(client.ref(), reply);
    if (exiting_) _exit(0);
  }

  std::string carry_out(const std::vector<std::string>& words) {
    const std::string& command = words[0];
    if (command == "who") {
      return fmt::format("{} {} {}", getpid(), link_.keeper_is_new() ? "new" : "old", join(link_.stored_keys(), ","));
    }
    if (command == "store") return store(words[1], words[2]);
    if (command == "read") return read_stored(words[1]);
    if (command == "drop") link_.drop(words[1]);
    if (command == "spawn") return spawn(words[1]);
    if (command == "exits") return exits();
    if (command == "limits") limits_ = {number(words[1]), static_cast<uint32_t>(number(words[2])), 0};
    if (command == "pump") return pump(words);
    if (command == "leave") link_.leave();
    exiting_ = command == "exit";
    return "ok";
  }

  std::string store(const std::string& key, const std::string& text) {
    sys::UniqueFd file(memfd_create("test", MFD_CLOEXEC)), second(memfd_create("test", MFD_CLOEXEC));
    if (!sys::write_all(file.ref(), text) || !sys::write_all(second.ref(), "second")) return "failed";
    link_.store(key, {file.ref(), second.ref()});
    return "ok";
  }

  std::string read_stored(const std::string& key) {
    std::string texts;
    for (const sys::UniqueFd& fd : link_.stored(key)) {
      char text[256];
      ssize_t n = pread(fd.get(), text, sizeof text, 0);
      texts += (texts.empty() ? "" : "+") + std::string(text, n > 0 ? static_cast<size_t>(n) : 0);
    }
    return texts.empty() ? "nothing" : texts;
  }

  /// As a container's first process: a child of the keeper.
  static std::string spawn(const std::string& code) {
    long pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, nullptr, nullptr, nullptr, nullptr);
    if (pid == 0) {
      close_range(3, ~0U, 0);  // or whoever asked would wait for an end
      if (code == "sleep") {
        for (;;) pause();
      }
      _exit(static_cast<int>(parse_unsigned(code).value_or(99)));
    }
    return std::to_string(pid);
  }

  std::string exits() {
    std::vector<std::string> all;
    for (const ExitRecord& exit : exits_) {
      bool complete = exit.start_time > 0 && exit.time_ns > 0;
      all.push_back(fmt::format("{}:{}{}", exit.pid, exit.status, complete ? "" : ":incomplete"));
    }
    return all.empty() ? "none" : join(all, ",");
  }

  std::string pump(const std::vector<std::string>& words) {
    sys::UniqueFd directory(open(words[1].c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    sys::UniqueFd out(open(words[2].c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    sys::UniqueFd err(words.size() > 3 ? open(words[3].c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC) : -1);
    if (!directory.valid() || !out.valid()) return "failed";
    link_.pump(words[1], {directory.ref(), out.ref(), err.ref(), limits_});
    return "ok";
  }

  static uint64_t number(const std::string& word) { return parse_unsigned(word).value_or(0); }

  KeeperLink& link_;
  asio::posix::stream_descriptor socket_;
  std::vector<ExitRecord> exits_;
  LogLimits limits_{0, 1, 0};
  bool exiting_ = false;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  alarm(120);  // a test that was killed leaves nobody for ever, not even where we have become the keeper
  asio::io_context io(1);
  Result<std::unique_ptr<KeeperLink>> link = KeeperLink::open(io, argv[1]);
  if (!link) return 1;
  FakeSupervisor supervisor(io, **link);
  io.run();
  return 0;
}
