#include "sys/stdio_relay.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>

#include "sys/file.h"
#include "sys/terminal.h"

namespace berth::sys {
namespace {

constexpr size_t kPiece = 16 << 10;

}  // namespace

Result<StdioRelay> StdioRelay::open(bool in, bool out, bool err) {
  StdioRelay relay;
  const std::array<bool, 3> given = {in, out, err};
  for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; ++stream) {
    const size_t index = static_cast<size_t>(stream);
    Stream& one = relay.streams_[index];
    one.given = given[index];
    if (!one.given || isatty(stream) != 1) continue;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return sys_error("pipe", errno);
    const bool to_process = stream == STDIN_FILENO;
    one.near.reset(ends[to_process ? 1 : 0]);
    one.far.reset(ends[to_process ? 0 : 1]);
    if (fcntl(one.near.get(), F_SETFL, O_NONBLOCK) != 0) return sys_error("fcntl", errno);
  }
  return relay;
}

FdRef StdioRelay::of_process(int stream) const {
  const Stream& one = streams_[static_cast<size_t>(stream)];
  if (!one.given) return FdRef(-1);
  return one.far.valid() ? one.far.ref() : FdRef(stream);
}

void StdioRelay::carry(const Pidfd& process) {
  // SIGPIPE is only kept from striking: the process may close what it reads from.
  const UniqueFd signals = signals_as_fd({SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGPIPE});
  for (Stream& one : streams_) one.far.reset();  // so that we see the last of the process's own go
  const auto& [in, out, err] = streams_;
  for (bool ended = !process.fd().valid(); !ended;) {
    pollfd fds[] = {{process.fd().get(), POLLIN, 0},
                    {signals.get(), POLLIN, 0},
                    {in.near.valid() && typed_.empty() ? STDIN_FILENO : -1, POLLIN, 0},
                    {typed_.empty() ? -1 : in.near.get(), POLLOUT, 0},
                    {out.near.get(), POLLIN, 0},
                    {err.near.get(), POLLIN, 0}};
    if (poll(fds, std::size(fds), -1) < 0 && errno != EINTR) return;
    while (std::optional<int> signal = next_signal(signals.ref())) {
      if (*signal != SIGPIPE) (void)process.signal(*signal);  // it may end at this moment
    }
    if (fds[2].revents != 0) type();
    if (fds[3].revents != 0) feed();
    if (fds[4].revents != 0) (void)show(STDOUT_FILENO);
    if (fds[5].revents != 0) (void)show(STDERR_FILENO);
    ended = (fds[0].revents & POLLIN) != 0;
  }
  // What it has left to others may write on for long; that is not waited for.
  for (const int stream : {STDOUT_FILENO, STDERR_FILENO}) {
    while (show(stream)) continue;
  }
}

bool StdioRelay::show(int stream) {
  UniqueFd& from = streams_[static_cast<size_t>(stream)].near;
  if (!from.valid()) return false;
  std::array<char, kPiece> piece;
  const ssize_t size = read(from.get(), piece.data(), piece.size());
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (size > 0 && write_all(FdRef(stream), {piece.data(), static_cast<size_t>(size)}).ok()) return true;
  from.reset();
  return false;
}

void StdioRelay::type() {
  std::array<char, kPiece> piece;
  const ssize_t size = read(STDIN_FILENO, piece.data(), piece.size());
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size <= 0) return streams_[STDIN_FILENO].near.reset();
  typed_.assign(piece.data(), static_cast<size_t>(size));
  feed();
}

void StdioRelay::feed() {
  UniqueFd& to = streams_[STDIN_FILENO].near;
  const ssize_t taken = write(to.get(), typed_.data(), typed_.size());
  if (taken < 0 && (errno == EAGAIN || errno == EINTR)) return;
  typed_.erase(0, taken < 0 ? typed_.size() : static_cast<size_t>(taken));
  if (taken < 0) to.reset();  // it has closed what it reads from
}

}  // namespace berth::sys
