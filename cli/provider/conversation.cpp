#include "cli/provider/conversation.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"
#include "sys/piped_child.h"
#include "sys/terminal.h"

namespace berth::cli::provider {
namespace {

constexpr size_t kLastWords = 2000;
constexpr size_t kLongestLine = 1 << 20;

class Conversation {
 public:
  Conversation(sys::PipedChild child, Signals& signals, Progress& progress, const Listener& listen)
      : child_(std::move(child)), signals_(signals), progress_(progress), listen_(listen) {}

  Result<End> hold() {
    if (Status held = until_it_ends(); !held) {
      (void)child_.process.signal(SIGKILL);  // gone already: just as well
      (void)sys::reap(child_.process);
      return std::move(held).error();
    }
    End end;
    end.code = sys::reap(child_.process);
    end.cancelled = signalled_;
    end.last_words = printable(trim(last_words_));
    return end;
  }

 private:
  Status until_it_ends() {
    for (bool ended = false; !ended;) {
      pollfd fds[] = {{child_.process.fd().get(), POLLIN, 0},
                      {signals_.fd().get(), POLLIN, 0},
                      {child_.out.get(), POLLIN, 0},
                      {child_.err.get(), POLLIN, 0},
                      {answers_.empty() ? -1 : child_.in.get(), POLLOUT, 0}};
      poll(fds, std::size(fds), progress_.patience_ms());
      progress_.tick();
      if (signals_.take() != 0) pass_on();
      ended = (fds[0].revents & POLLIN) != 0;  // what it has written lies in the pipes by then
      BERTH_TRY_OK(take_lines());
      take_last_words();
      answer();
    }
    return open_line_.empty() ? Status() : take(open_line_);
  }

  void pass_on() {
    (void)child_.process.signal(signalled_ ? SIGKILL : SIGTERM);
    signalled_ = true;
  }

  /// What there is to read by now. Closes a pipe at whose other end is nobody any more.
  static std::string read_some(sys::UniqueFd& fd) {
    char buffer[16384];
    const ssize_t size = fd.valid() ? read(fd.get(), buffer, sizeof buffer) : -1;
    if (size == 0) fd.reset();
    return {buffer, static_cast<size_t>(size > 0 ? size : 0)};
  }

  Status take_lines() {
    for (std::string more; !(more = read_some(child_.out)).empty();) {
      open_line_ += more;
      for (size_t end; (end = open_line_.find('\n')) != std::string::npos; open_line_.erase(0, end + 1))
        BERTH_TRY_OK(take(open_line_.substr(0, end)));
      if (open_line_.size() > kLongestLine) return make_error("it says a line without end");
    }
    return {};
  }

  Status take(const std::string& line) {
    if (trim(line).empty()) return {};
    BERTH_TRY(std::string answer, listen_(line));
    answers_ += answer;
    return {};
  }

  void take_last_words() {
    for (std::string more; !(more = read_some(child_.err)).empty();) {
      last_words_ += more;
      if (last_words_.size() > kLastWords) last_words_.erase(0, last_words_.size() - kLastWords);
    }
  }

  void answer() {
    if (answers_.empty()) return;
    const auto before = signal(SIGPIPE, SIG_IGN);  // one that has ended does not want to know any more
    const ssize_t size = write(child_.in.get(), answers_.data(), answers_.size());
    signal(SIGPIPE, before);
    if (size > 0) answers_.erase(0, static_cast<size_t>(size));
    if (size < 0 && errno != EAGAIN && errno != EINTR) answers_.clear();
  }

  sys::PipedChild child_;
  Signals& signals_;
  Progress& progress_;
  const Listener& listen_;
  std::string open_line_, last_words_, answers_;
  bool signalled_ = false;
};

}  // namespace

Result<End> converse(const Call& call, Signals& signals, Progress& progress, const Listener& listen) {
  std::vector<std::string> environment;
  for (const auto& [name, value] : call.environment) environment.push_back(name + "=" + value);
  BERTH_TRY(sys::PipedChild child, sys::start_piped(call.program, call.arguments, std::move(environment)));
  return Conversation(std::move(child), signals, progress, listen).hold();
}

}  // namespace berth::cli::provider
