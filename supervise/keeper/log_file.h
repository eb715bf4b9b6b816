#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/log_frame.h"

namespace berth::keeper {

/// The log of one container (base/log_frame.h), shared by its streams. Frames are written whole or not at all. What a
/// full disk does not take is counted in a gap record at that place, for which room is kept; nothing here waits or
/// fails.
struct LogFile {
  int directory;     // of the container
  int fd;            // of the newest file; -1 where it could not be opened
  int users;         // streams that write here; 0 = this slot is free
  uint64_t opening;  // of all that were opened, the how manyth
  LogLimits limits;
  uint32_t number;  // of the newest file
  off_t size;       // of the newest file
  off_t allocated;  // up to here the disk has promised to take what is written
  // Of the gap that is open:
  uint64_t lost;  // lines; 0 = there is none
  int error;      // errno
  int64_t lost_since;
  off_t gap_at;  // where its record is; -1 = it could not be written yet
};

inline constexpr off_t kAtTheEnd = -1;

/// The log in `directory`, which is taken over. The streams of a container share one, whenever they come. nullptr if
/// there are too many.
LogFile* open_log(int directory, const LogLimits& limits);
/// The same as it was when the newest file was `limits.newest` and had that size: what came later is taken off. Files
/// stay, since a reader may have them open.
LogFile* reopen_log(int directory, const LogLimits& limits, off_t size);
void leave_log(LogFile& log);

/// Appends frames, in the next file if they do not fit into this one.
void write_frames(LogFile& log, const char* frames, size_t size);

}  // namespace berth::keeper
