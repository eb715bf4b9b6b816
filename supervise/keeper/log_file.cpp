#include "supervise/keeper/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <initializer_list>

#include "supervise/keeper/os.h"

namespace berth::keeper {
namespace {

constexpr int kMaxLogs = 8192;
LogFile logs[kMaxLogs];
constexpr off_t kAhead = 4096;  // allocated beyond what is needed; of larger files more
int log_limit = 0;              // logs at and above this index have never been used
uint64_t openings = 0;

struct GapFrame {
  LogFrame head;
  LogGap gap;
};
static_assert(sizeof(GapFrame) == sizeof(LogFrame) + sizeof(LogGap));

/// As much as there is space for.
size_t write_at(int fd, const void* data, size_t size, off_t at) {
  size_t written = 0;
  while (written < size) {
    ssize_t n = pwrite(fd, static_cast<const char*>(data) + written, size - written, at + static_cast<off_t>(written));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    written += static_cast<size_t>(n);
  }
  return written;
}

size_t frame_at(const char* data, LogFrame& frame) {
  memcpy(&frame, data, sizeof frame);
  return sizeof frame + frame.length;
}

/// How many of the bytes are frames that end within `limit`.
size_t whole_frames(const char* frames, size_t limit) {
  LogFrame frame;
  size_t end = 0;
  while (end + sizeof frame <= limit) {
    size_t next = end + frame_at(frames + end, frame);
    if (next > limit) break;
    end = next;
  }
  return end;
}

uint64_t lines_in(const char* frames, size_t size) {
  LogFrame frame;
  uint64_t lines = 0;
  for (size_t at = 0; at < size;) {
    at += frame_at(frames + at, frame);
    if ((frame.flags & kLogPartial) == 0) ++lines;
  }
  return lines > 0 ? lines : 1;  // parts of a line: one is no longer whole
}

/// Writes how much has been lost so far: over the record that is there, or at the end.
bool record_gap(LogFile& log) {
  GapFrame record{};
  record.head.time_ns = log.lost_since;
  record.head.length = sizeof record.gap;
  record.head.stream = 1;
  record.head.flags = kLogGap;
  record.gap = {log.lost, log.error, 0};
  berth::seal(record.head, reinterpret_cast<const char*>(&record.gap));
  off_t at = log.gap_at >= 0 ? log.gap_at : log.size;
  bool written = write_at(log.fd, &record, sizeof record, at) == sizeof record;
  if (written && log.gap_at < 0) {
    log.gap_at = at;
    log.size = at + static_cast<off_t>(sizeof record);
  }
  return written;
}

void lose(LogFile& log, uint64_t lines, int error) {
  if (log.lost == 0) {
    log.error = error;
    log.lost_since = now_ns(CLOCK_REALTIME);
  }
  log.lost += lines;
  (void)record_gap(log);  // else the next write tries again
}

/// Takes off what was written beyond, or allocated.
void cut(LogFile& log) {
  if (ftruncate(log.fd, log.size) != 0) complain("cut log");
  log.allocated = log.size;
}

/// How many of the bytes may be written so that the record of a gap still fits behind them.
size_t reserve(LogFile& log, size_t size) {
  const off_t need = log.size + static_cast<off_t>(size + sizeof(GapFrame));
  const off_t ahead = log.size < 8 * kAhead ? kAhead : 8 * kAhead;
  for (off_t until : {need + ahead, need}) {
    if (log.allocated >= need) return size;
    if (fallocate(log.fd, FALLOC_FL_KEEP_SIZE, log.allocated, until - log.allocated) == 0) log.allocated = until;
    // Another file system than the usual ones: it shows when writing.
    else if (errno == EOPNOTSUPP || errno == ENOSYS || errno == EFBIG)
      return size;
  }
  if (log.allocated >= need) return size;
  const off_t room = log.allocated - log.size - static_cast<off_t>(sizeof(GapFrame));
  return room > 0 ? static_cast<size_t>(room) : 0;
}

void end_gap(LogFile& log) {
  log.lost = 0;
  log.gap_at = -1;
}

bool open_file(LogFile& log, uint32_t number) {
  char name[kLogNameSize];
  name_log_file(number, name);
  int fd = openat(log.directory, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  if (log.fd >= 0) {
    cut(log);
    close(log.fd);
  }
  log.fd = fd;
  log.number = number;
  log.allocated = log.size = lseek(fd, 0, SEEK_END);
  if (log.gap_at >= 0) end_gap(log);  // it is on record in the file before
  return true;
}

/// Goes on in the next file. The oldest goes first: what it frees may be what the new one needs. One that a killed
/// keeper has left is further down.
bool rotate(LogFile& log) {
  for (int64_t old = int64_t{log.number} + 1 - log.limits.files; old >= 0; --old) {
    char name[kLogNameSize];
    name_log_file(static_cast<uint32_t>(old), name);
    if (unlinkat(log.directory, name, 0) != 0) break;
  }
  return open_file(log, log.number + 1);
}

/// How many of the bytes are frames that still go into this file; one goes into an empty one, whatever its length.
size_t fitting(const LogFile& log, const char* frames, size_t size) {
  const auto used = static_cast<uint64_t>(log.size);
  if (log.limits.file_bytes == 0 || used + size <= log.limits.file_bytes) return size;
  const size_t whole = used < log.limits.file_bytes ? whole_frames(frames, log.limits.file_bytes - used) : 0;
  LogFrame first;
  return whole > 0 || used > 0 ? whole : frame_at(frames, first);
}

bool same_directory(int a, int b) {
  struct stat first, second;
  return fstat(a, &first) == 0 && fstat(b, &second) == 0 && first.st_ino == second.st_ino &&
         first.st_dev == second.st_dev;
}

LogFile* begin_log(int directory, const LogLimits& limits) {
  int slot = kMaxLogs;
  for (int i = log_limit - 1; i >= 0; --i) {
    if (logs[i].users == 0) {
      slot = i;
    } else if (same_directory(logs[i].directory, directory)) {
      close(directory);
      ++logs[i].users;
      return &logs[i];
    }
  }
  if (slot == kMaxLogs) slot = log_limit;
  if (slot == kMaxLogs) {
    close(directory);
    return nullptr;
  }
  if (slot == log_limit) ++log_limit;
  LogFile& log = logs[slot];
  log = {};
  log.directory = directory;
  log.fd = -1;
  log.users = 1;
  log.opening = ++openings;
  log.limits = limits;
  log.number = limits.newest;
  log.gap_at = -1;
  if (limits.files > 0 && !open_file(log, limits.newest)) complain("open log");
  return &log;
}

int open_next(int directory, uint32_t& number, int flags) {
  char name[kLogNameSize];
  name_log_file(++number, name);
  return openat(directory, name, flags | O_NOFOLLOW | O_CLOEXEC);
}

}  // namespace

LogFile* open_log(int directory, const LogLimits& limits) {
  LogLimits now = limits;
  // What an earlier keeper had left was completed after somebody looked which is the newest.
  for (uint32_t next = now.newest; true; now.newest = next) {
    int file = open_next(directory, next, O_PATH);
    if (file < 0) return begin_log(directory, now);
    close(file);
  }
}

LogFile* reopen_log(int directory, const LogLimits& limits, off_t size) {
  LogFile* log = begin_log(directory, limits);
  if (log == nullptr || log->fd < 0 || size == kAtTheEnd) return log;
  uint32_t next = log->number;
  for (int file = 0; (file = open_next(log->directory, next, O_WRONLY | O_TRUNC)) >= 0;) close(file);
  if (log->size > size) log->size = size;
  cut(*log);
  return log;
}

void leave_log(LogFile& log) {
  if (--log.users > 0) return;
  if (log.lost > 0 && log.gap_at < 0 && !record_gap(log)) {
    errno = log.error;
    complain("lines of a log are lost, and not even that could be recorded");
  }
  if (log.fd >= 0) {
    cut(log);
    close(log.fd);
  }
  close(log.directory);
}

void write_frames(LogFile& log, const char* frames, size_t size) {
  if (log.limits.files == 0) return;
  bool writable = log.fd >= 0 || open_file(log, log.number);
  if (size_t now = writable ? fitting(log, frames, size) : size; now < size) {
    if (now > 0) write_frames(log, frames, now);
    if (rotate(log)) return write_frames(log, frames + now, size - now);
    frames += now;
    size -= now;
    writable = false;
  }
  // A gap that is not on record yet comes before what follows it.
  if (writable && log.lost > 0 && log.gap_at < 0) writable = record_gap(log);
  if (!writable) return lose(log, lines_in(frames, size), errno);
  const size_t room = reserve(log, size);
  const size_t fits = room < size ? whole_frames(frames, room) : size;
  int error = errno;
  const size_t written = write_at(log.fd, frames, fits, log.size);
  size_t kept = fits;
  if (written < fits) {
    error = errno;
    kept = written > sizeof(GapFrame) ? whole_frames(frames, written - sizeof(GapFrame)) : 0;
  }
  log.size += static_cast<off_t>(kept);
  if (kept > 0) end_gap(log);
  if (kept < size) lose(log, lines_in(frames + kept, size - kept), error);
  if (written < fits) cut(log);
}

}  // namespace berth::keeper
