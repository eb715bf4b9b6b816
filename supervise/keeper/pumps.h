#pragma once

#include <stdint.h>

#include "base/log_frame.h"

namespace berth::keeper {

inline constexpr int kMaxPumps = 8192;
inline constexpr uint64_t kFirstPump = 16;  // tags in the epoll set: this one and above

/// Copies the stream into the log in `directory` whenever `epoll` tells that there is something. Both descriptors are
/// taken over.
void add_pump(int epoll, int from, int directory, const LogLimits& limits, uint8_t stream);

/// So many reads that find everything which a pipe can hold.
inline constexpr int kAllOfAPipe = 17;

/// Copies what there is, in at most so many reads; at its end the stream is forgotten. Other tags are passed over.
void run_pump(uint64_t tag, int reads);

}  // namespace berth::keeper
