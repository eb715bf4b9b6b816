#pragma once

// How supervisor and keeper speak: fixed-size messages over a SOCK_SEQPACKET pair, descriptors attached by SCM_RIGHTS.
// Plain C types only, so that the keeper needs no library and a message is a memcpy.

#include <cstddef>
#include <cstdint>

#include "base/log_frame.h"

namespace berth::keeper {

inline constexpr size_t kKeySize = 104;  // "dns/" + 64 hex digits, with room for more
inline constexpr int kMaxFds = 8;        // descriptors under one key

/// Descriptor numbers that the keeper's own start hands down.
inline constexpr int kControlFd = 3;  // in the supervisor: its end of the pair
inline constexpr int kListenFd = 4;   // in the supervisor: the socket that command lines connect to
inline constexpr int kExitsFd = 5;    // in the supervisor: the exit journal, open for reading

enum class Op : uint32_t {
  // supervisor to keeper
  store = 1,  // keep the attached descriptors under `key` (replaces what was there)
  drop,       // close what is kept under `key`
  pump,       // attached: container's directory, stdout reader, optional stderr reader. Copy into the log there until
              // end of file, then forget
  leave,      // nothing is left to look after: remove the socket and end
  sync,       // attached: one end of a pipe, closed here when all that came before has been done, and what containers
              // have written is in their logs
  // keeper to supervisor
  stored = 100,  // at the supervisor's start, once per key: the attached descriptors were kept
  ready,         // all `stored` messages have been sent
  child_exited,  // the exit journal has grown
};

struct Message {
  Op op;
  uint32_t generation;  // of `ready`: how many supervisors this keeper has started before, or has become it; 0 = it
                        // pumps nothing yet
  char key[kKeySize];
  LogLimits log;  // of `pump`
};

}  // namespace berth::keeper
