#include "cli/images/prompt.h"

#include <fmt/core.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <initializer_list>
#include <optional>

#include "sys/fd.h"

namespace berth::cli {
namespace {

constexpr size_t kLongestLine = 64 << 10;

/// No echo as long as this lives. Signals that end us wait until the terminal is as it was.
class Unseen {
 public:
  Unseen() : changed_(tcgetattr(STDIN_FILENO, &before_) == 0) {
    sigset_t deadly;
    sigemptyset(&deadly);
    for (int signal : {SIGINT, SIGQUIT, SIGTERM, SIGHUP}) sigaddset(&deadly, signal);
    sigprocmask(SIG_BLOCK, &deadly, &mask_before_);
    signals_ = sys::UniqueFd(signalfd(-1, &deadly, SFD_CLOEXEC));
    termios without = before_;
    without.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    if (changed_) tcsetattr(STDIN_FILENO, TCSANOW, &without);
  }
  Unseen(const Unseen&) = delete;
  Unseen& operator=(const Unseen&) = delete;
  ~Unseen() {
    if (changed_) tcsetattr(STDIN_FILENO, TCSANOW, &before_);
    fmt::print("\n");  // the user's own was not shown
    std::fflush(stdout);
    sigprocmask(SIG_SETMASK, &mask_before_, nullptr);  // here a signal that has come strikes
  }

  /// False when a signal has come before input.
  [[nodiscard]] bool wait_for_input() const {
    pollfd fds[] = {{STDIN_FILENO, POLLIN, 0}, {signals_.get(), POLLIN, 0}};
    while (poll(fds, 2, -1) < 0 && errno == EINTR) continue;
    return fds[1].revents == 0;
  }

 private:
  termios before_{};
  sigset_t mask_before_{};
  bool changed_;
  sys::UniqueFd signals_;
};

/// Byte by byte: what follows the line is for the next question.
Result<std::string> read_line(const Unseen* unseen) {
  std::string line;
  char c;
  for (;;) {
    if (unseen != nullptr && !unseen->wait_for_input()) return sys_error("read from the terminal", EINTR);
    ssize_t n = read(STDIN_FILENO, &c, 1);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return sys_error("read from the terminal", errno);
    if (n == 0 || c == '\n') return line;
    if (line.size() == kLongestLine) return sys_error("read from the terminal", EFBIG);
    line += c;
  }
}

}  // namespace

Result<std::string> ask(const std::string& text, bool unseen) {
  std::optional<Unseen> now;
  if (unseen) now.emplace();  // before the text: who sees it may type
  fmt::print("{}", text);
  std::fflush(stdout);
  return read_line(now ? &*now : nullptr);
}

}  // namespace berth::cli
