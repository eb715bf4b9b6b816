// How this works. For a SIGKILL, which strikes between system calls, a read(2) is one step: the bytes are still in the
// pipe, or they are in the mapped file. Which of both is seen by the first byte in the file: it is set to another value
// than the one that will be read, and tee(2) tells that one without taking it. How many bytes there will be is known
// before, from FIONREAD, since nobody else reads. Writing them to the log may be repeated, because the file says where
// in the log they begin.

#include "supervise/keeper/unwritten.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>

#include "supervise/keeper/log_writer.h"
#include "supervise/keeper/os.h"

namespace berth::keeper {
namespace {

constexpr uint32_t kVersion = 1;

struct Unwritten {
  uint32_t version;
  uint32_t length;  // 0 = nothing is under way
  char before;      // the first byte of `data` as long as nothing has been read
  uint8_t stream;
  LogLimits limits;  // `newest`: of the file where the log went on
  off_t size;        // of that file
  int64_t time_ns;
  char directory[PATH_MAX];  // of the log
  char data[kReadSize];
};

Unwritten* unwritten = nullptr;
uint64_t described = 0;  // LogFile::opening of the log whose directory is in there
int peek[2] = {-1, -1};

/// In memory that goes with us where there is no file to be had.
Unwritten* map_file() {
  int file = open("unwritten", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  // Space that is missing later would end us by SIGBUS.
  if (file >= 0) errno = posix_fallocate(file, 0, sizeof(Unwritten));
  void* memory = MAP_FAILED;
  if (errno == 0) memory = mmap(nullptr, sizeof(Unwritten), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (memory == MAP_FAILED) {
    complain("keep what is not written yet in a file");
    memory = mmap(nullptr, sizeof(Unwritten), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  }
  if (file >= 0) close(file);
  if (memory == MAP_FAILED) die("map memory");
  // A page that has to be brought in while we are being killed would interrupt a read.
  (void)mlock(memory, sizeof(Unwritten));
  return static_cast<Unwritten*>(memory);
}

/// Writes what was taken out of the pipe; writes it again if it is in the log in whole or in part.
void complete() {
  const bool was_read = unwritten->data[0] != unwritten->before;
  int directory = was_read ? open(unwritten->directory, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
  if (directory < 0) return;  // what is not read is in the pipe; a container that has been removed has no log
  LogFile* log = reopen_log(directory, unwritten->limits, unwritten->size);
  if (log == nullptr) return;
  write_lines(*log, unwritten->stream, unwritten->data, unwritten->length, unwritten->time_ns);
  leave_log(*log);
}

void describe(const LogFile& log) {
  if (described == log.opening) return;
  char link[32];
  snprintf(link, sizeof link, "/proc/self/fd/%d", log.directory);
  ssize_t n = readlink(link, unwritten->directory, sizeof unwritten->directory - 1);
  unwritten->directory[n < 0 ? 0 : n] = '\0';
  described = log.opening;
}

/// The stream's next byte, which stays in it. A terminal does not tell; its output is hardly ever of bytes that no text
/// has.
char next_byte(int from) {
  char byte = 0;
  if (tee(from, peek[1], 1, SPLICE_F_NONBLOCK) == 1 && read(peek[0], &byte, 1) == 1) return byte;
  return 0;
}

/// Why nothing can be read: the end, or only for the moment.
ssize_t at_end(int from) {
  pollfd stream{from, POLLIN, 0};
  bool ended = poll(&stream, 1, 0) == 1 && (stream.revents & POLLIN) == 0;
  return ended ? 0 : -1;
}

}  // namespace

void open_unwritten() {
  unwritten = map_file();
  if (pipe2(peek, O_CLOEXEC | O_NONBLOCK) != 0) die("pipe");
  if (unwritten->version == kVersion && unwritten->length > 0 && unwritten->length <= kReadSize) complete();
  unwritten->length = 0;
  unwritten->version = kVersion;
}

Taken take(int from, const LogFile& log, uint8_t stream) {
  int waiting = 0;
  if (ioctl(from, FIONREAD, &waiting) != 0) return {0, nullptr, 0};
  if (waiting <= 0) return {at_end(from), nullptr, 0};
  const size_t size = static_cast<size_t>(waiting) < kReadSize ? static_cast<size_t>(waiting) : kReadSize;
  describe(log);
  unwritten->stream = stream;
  unwritten->limits = log.limits;
  unwritten->limits.newest = log.number;
  unwritten->size = log.fd >= 0 ? log.size : kAtTheEnd;
  unwritten->time_ns = now_ns(CLOCK_REALTIME);
  unwritten->before = static_cast<char>(~next_byte(from));
  unwritten->data[0] = unwritten->before;
  std::atomic_signal_fence(std::memory_order_release);
  unwritten->length = static_cast<uint32_t>(size);
  std::atomic_signal_fence(std::memory_order_release);
  ssize_t n = read(from, unwritten->data, size);
  if (n <= 0) {
    const bool later = n < 0 && (errno == EAGAIN || errno == EINTR);
    written();
    return {later ? -1 : 0, nullptr, 0};
  }
  unwritten->length = static_cast<uint32_t>(n);
  return {n, unwritten->data, unwritten->time_ns};
}

void written() {
  std::atomic_signal_fence(std::memory_order_release);
  unwritten->length = 0;
}

}  // namespace berth::keeper
