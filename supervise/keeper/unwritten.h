#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "supervise/keeper/log_file.h"

namespace berth::keeper {

// What has been taken out of a container's pipe and is not in its log yet. It lies in a file, so that a SIGKILL at any
// instant neither loses nor doubles a byte of it: the next keeper writes it to where it belongs.

struct Taken {
  ssize_t size;  // 0 = the stream has ended; < 0: there is nothing at present
  const char* data;
  int64_t time_ns;
};

/// Maps the file `unwritten` in the working directory, and completes what a keeper that was killed has left in it.
/// Where there is no room for the file it is done without.
void open_unwritten();

/// Reads at most kReadSize bytes of the stream, for that log. They count as unwritten until written() is called.
Taken take(int from, const LogFile& log, uint8_t stream);
void written();

}  // namespace berth::keeper
