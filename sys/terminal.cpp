#include "sys/terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <initializer_list>
#include <utility>

#include "sys/file.h"

namespace berth::sys {
namespace {

/// One read's worth; false at the end.
bool copy(int from, int to) {
  char buffer[16384];
  ssize_t n = read(from, buffer, sizeof buffer);
  if (n < 0) return errno == EAGAIN || errno == EINTR;
  return n > 0 && write_all(FdRef(to), {buffer, static_cast<size_t>(n)}).ok();
}

void pass_on(const Pidfd& process, int signal) {
  if (process.valid()) (void)process.signal(signal);  // it may end at this moment
}

}  // namespace

UniqueFd signals_as_fd(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : signals) sigaddset(&set, signal);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  return UniqueFd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

std::optional<int> next_signal(FdRef signals) {
  signalfd_siginfo info;
  if (read(signals.get(), &info, sizeof info) != sizeof info) return std::nullopt;
  return static_cast<int>(info.ssi_signo);
}

void pass_window_size(FdRef master) {
  winsize size{};
  if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0) ioctl(master.get(), TIOCSWINSZ, &size);
}

WindowSize window_size(FdRef terminal) {
  winsize size{};
  if (ioctl(terminal.get(), TIOCGWINSZ, &size) != 0) return {};
  return {size.ws_row, size.ws_col};
}

std::optional<RawTerminal> RawTerminal::change(FdRef terminal, void (*to)(termios&)) {
  termios before{};
  if (tcgetattr(terminal.get(), &before) != 0) return std::nullopt;
  termios mode = before;
  to(mode);
  if (tcsetattr(terminal.get(), TCSANOW, &mode) != 0) return std::nullopt;
  return RawTerminal(terminal, before);
}

std::optional<RawTerminal> RawTerminal::enter(FdRef terminal) {
  return change(terminal, [](termios& mode) { cfmakeraw(&mode); });
}

std::optional<RawTerminal> RawTerminal::enter_keys(FdRef terminal) {
  return change(terminal, [](termios& mode) { mode.c_lflag &= static_cast<tcflag_t>(~(ICANON | ECHO)); });
}

RawTerminal::RawTerminal(RawTerminal&& other) noexcept
    : terminal_(std::exchange(other.terminal_, FdRef(-1))), before_(other.before_) {}

RawTerminal::~RawTerminal() {
  if (terminal_.valid()) tcsetattr(terminal_.get(), TCSADRAIN, &before_);
}

void attach_terminal(FdRef master, const Pidfd& process) {
  UniqueFd signals = signals_as_fd({SIGWINCH, SIGTERM, SIGHUP});
  std::optional<RawTerminal> raw = RawTerminal::enter(FdRef(STDIN_FILENO));
  pass_window_size(master);
  bool input_open = true, output_open = true;
  while (output_open) {
    pollfd fds[] = {{input_open ? STDIN_FILENO : -1, POLLIN, 0},
                    {master.get(), POLLIN, 0},
                    {process.fd().get(), POLLIN, 0},
                    {signals.get(), POLLIN, 0}};
    if (poll(fds, 4, -1) < 0 && errno != EINTR) break;
    while (std::optional<int> signal = next_signal(signals.ref())) {
      if (*signal == SIGWINCH)
        pass_window_size(master);
      else
        pass_on(process, *signal);
    }
    if (fds[0].revents != 0) input_open = copy(STDIN_FILENO, master.get());
    if ((fds[1].revents & POLLIN) != 0)
      output_open = copy(master.get(), STDOUT_FILENO);
    else if ((fds[1].revents & (POLLHUP | POLLERR)) != 0)
      output_open = false;
    else if ((fds[2].revents & POLLIN) != 0)
      break;  // it has gone and left nothing unread
  }
}

void pass_signals_until_exit(const Pidfd& process) {
  UniqueFd signals = signals_as_fd({SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2});
  for (;;) {
    pollfd fds[] = {{process.fd().get(), POLLIN, 0}, {signals.get(), POLLIN, 0}};
    if (poll(fds, 2, -1) < 0 && errno != EINTR) break;
    while (std::optional<int> signal = next_signal(signals.ref())) pass_on(process, *signal);
    if ((fds[0].revents & POLLIN) != 0) break;
  }
}

int reap(const Pidfd& child) {
  siginfo_t info{};
  while (waitid(P_PIDFD, static_cast<id_t>(child.fd().get()), &info, WEXITED) != 0 && errno == EINTR) continue;
  return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

}  // namespace berth::sys
