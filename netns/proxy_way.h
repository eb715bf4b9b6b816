#pragma once

#include <cstddef>
#include <vector>

#include "sys/fd.h"

namespace berth::netns {

/// One way of a connection that a proxy carries: what one socket says, on its way to the other. What comes in small
/// pieces is copied; as soon as more comes than one piece holds, it passes through a pipe and is not copied any more
/// (splice(2)). Without descriptors left for the pipe it goes on being copied.
///
/// Both sockets do not block. SIGPIPE must be ignored: splice() has no flag against it.
class ProxyWay {
 public:
  enum class State {
    starved,  // go on when `from` can be read
    blocked,  // go on when `to` can be written
    busy,     // there is more at once, but others want their turn
    ended,    // `from` has said all, and all has been passed on
    broken,   // either socket has failed
  };

  /// `splices`: both are TCP. Of other protocols a pipe would not keep the messages apart.
  explicit ProxyWay(bool splices) : splices_(splices) {}

  /// Passes on what there is, for a while.
  [[nodiscard]] State carry(sys::FdRef from, sys::FdRef to);
  /// Gives back what it took: for a way that has ended, whose connection may stay half-open for long.
  void release();

 private:
  enum class Step { done, would_block, ended, failed };

  [[nodiscard]] Step take(sys::FdRef from, sys::FdRef to);
  [[nodiscard]] Step copy(sys::FdRef from, sys::FdRef to);
  [[nodiscard]] Step drain(sys::FdRef to);
  void open_pipe();

  bool splices_;
  sys::UniqueFd pipe_in_, pipe_out_;
  size_t piped_ = 0;        // bytes in the pipe
  std::vector<char> rest_;  // of what was copied
};

}  // namespace berth::netns
