#pragma once

#include <array>
#include <string>

#include "base/result.h"
#include "sys/fd.h"
#include "sys/pidfd.h"

namespace berth::sys {

/// Our standard streams, for a process that shall not see our terminal: those that are one reach it through pipes, and
/// others are given to it as they are.
class StdioRelay {
 public:
  /// `in`, `out`, `err`: which of them it gets.
  [[nodiscard]] static Result<StdioRelay> open(bool in, bool out, bool err);

  /// What the process gets as its standard stream 0, 1 or 2; invalid if nothing.
  [[nodiscard]] FdRef of_process(int stream) const;

  /// Carries what is typed and written until the process ends, and passes signals on to it (SIGINT, SIGTERM, SIGHUP,
  /// SIGQUIT, SIGUSR1, SIGUSR2). An invalid handle stands for one that has ended already. Requires: the process has its
  /// streams. Call once.
  void carry(const Pidfd& process);

 private:
  struct Stream {
    bool given = false;  // else the process gets nothing
    UniqueFd near, far;  // of a pipe, ours and the process's; none where the stream is given as it is
  };

  /// False when nothing more is there now.
  bool show(int stream);
  void type();
  void feed();

  std::array<Stream, 3> streams_;
  std::string typed_;  // and not taken by the process yet
};

}  // namespace berth::sys
