#include "netns/proxy_way.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace berth::netns {
namespace {

constexpr size_t kPiece = 64 << 10;
constexpr int kPipe = 1 << 20;  // bytes; what a pipe may hold where the limit of its user is not reached
constexpr int kRounds = 16;     // before others have their turn

bool would_block() {
  return errno == EAGAIN || errno == EINTR;
}

}  // namespace

ProxyWay::State ProxyWay::carry(sys::FdRef from, sys::FdRef to) {
  for (int round = 0; round < kRounds; ++round) {
    switch (drain(to)) {
      case Step::would_block:
        return State::blocked;
      case Step::failed:
        return State::broken;
      default:
        break;
    }
    switch (take(from, to)) {
      case Step::would_block:
        return State::starved;
      case Step::ended:
        return State::ended;
      case Step::failed:
        return State::broken;
      default:
        break;
    }
  }
  return State::busy;
}

void ProxyWay::release() {
  pipe_in_.reset();
  pipe_out_.reset();
  rest_ = {};
}

/// Everything that was taken earlier has been passed on, so EAGAIN is the socket's word and not that of a full pipe.
ProxyWay::Step ProxyWay::take(sys::FdRef from, sys::FdRef to) {
  if (!pipe_in_.valid()) return copy(from, to);
  const ssize_t got = splice(from.get(), nullptr, pipe_in_.get(), nullptr, kPipe, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  if (got == 0) return Step::ended;
  if (got < 0) return would_block() ? Step::would_block : Step::failed;
  piped_ = static_cast<size_t>(got);
  return Step::done;
}

ProxyWay::Step ProxyWay::copy(sys::FdRef from, sys::FdRef to) {
  // Not one for each connection: most of them wait. Not an array: each new thread would be given one, and clear it.
  thread_local std::vector<char> piece;
  piece.resize(kPiece);
  const ssize_t got = recv(from.get(), piece.data(), piece.size(), 0);
  if (got == 0) return Step::ended;
  if (got < 0) return would_block() ? Step::would_block : Step::failed;
  const ssize_t sent = send(to.get(), piece.data(), static_cast<size_t>(got), MSG_NOSIGNAL);
  if (sent < 0 && !would_block()) return Step::failed;
  if (sent < got) rest_.assign(piece.data() + (sent < 0 ? 0 : sent), piece.data() + got);
  const bool full = got == static_cast<ssize_t>(piece.size());
  if (splices_ && full) open_pipe();
  return full || !rest_.empty() ? Step::done : Step::would_block;  // a short piece was all there was
}

ProxyWay::Step ProxyWay::drain(sys::FdRef to) {
  if (!rest_.empty()) {
    const ssize_t sent = send(to.get(), rest_.data(), rest_.size(), MSG_NOSIGNAL);
    if (sent < 0) return would_block() ? Step::would_block : Step::failed;
    rest_.erase(rest_.begin(), rest_.begin() + sent);
    if (!rest_.empty()) return Step::would_block;
  }
  while (piped_ > 0) {
    const ssize_t sent = splice(pipe_out_.get(), nullptr, to.get(), nullptr, piped_, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (sent < 0) return would_block() ? Step::would_block : Step::failed;
    if (sent == 0) return Step::failed;
    piped_ -= static_cast<size_t>(sent);
  }
  return Step::done;
}

void ProxyWay::open_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
    splices_ = false;
    return;
  }
  pipe_out_.reset(ends[0]);
  pipe_in_.reset(ends[1]);
  (void)fcntl(pipe_in_.get(), F_SETPIPE_SZ, kPipe);  // as it is, it holds 64 KiB
}

}  // namespace berth::netns
