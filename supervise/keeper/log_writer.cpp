#include "supervise/keeper/log_writer.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/log_frame.h"
#include "supervise/keeper/os.h"

namespace berth::keeper {
namespace {

char frame_space[kReadSize * 2 + sizeof(LogFrame) * 64];

/// Writes whole frames only. A full disk loses the lines, never blocks or kills the container.
void write_frames(int fd, const char* data, size_t size) {
  off_t end = lseek(fd, 0, SEEK_END);
  while (size > 0) {
    ssize_t n = write(fd, data, size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      // A half frame would be skipped by readers, but costs the frame after it; cut it off.
      if (end >= 0 && ftruncate(fd, end) != 0) complain("cut torn log frame");
      return;
    }
    data += n;
    size -= static_cast<size_t>(n);
  }
}

size_t put_frame(size_t at, const char* payload, size_t length, uint8_t stream, uint8_t flags, int64_t time) {
  LogFrame frame{};
  frame.time_ns = time;
  frame.length = static_cast<uint32_t>(length);
  frame.stream = stream;
  frame.flags = flags;
  berth::seal(frame, payload);
  memcpy(frame_space + at, &frame, sizeof frame);
  memcpy(frame_space + at + sizeof frame, payload, length);
  return at + sizeof frame + length;
}

}  // namespace

void write_lines(int log, uint8_t stream, const char* data, size_t size) {
  int64_t time = now_ns(CLOCK_REALTIME);
  size_t at = 0;
  while (size > 0) {
    const char* newline = static_cast<const char*>(memchr(data, '\n', size));
    size_t line = newline != nullptr ? static_cast<size_t>(newline - data) : size;
    size_t length = line > berth::kMaxLogPayload ? berth::kMaxLogPayload : line;
    bool complete = newline != nullptr && length == line;
    if (at + sizeof(LogFrame) + length > sizeof frame_space) {
      write_frames(log, frame_space, at);
      at = 0;
    }
    at = put_frame(at, data, length, stream, complete ? 0 : berth::kLogPartial, time);
    size_t used = complete ? length + 1 : length;
    data += used;
    size -= used;
  }
  write_frames(log, frame_space, at);
}

}  // namespace berth::keeper
