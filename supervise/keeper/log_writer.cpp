#include "supervise/keeper/log_writer.h"

#include <string.h>

#include "supervise/keeper/os.h"

namespace berth::keeper {
namespace {

char frame_space[kReadSize * 2 + sizeof(LogFrame) * 64];

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

bool write_lines(LogFile& log, uint8_t stream, const char* data, size_t size, int64_t time_ns) {
  size_t at = 0;
  bool open = false;
  while (size > 0) {
    const char* newline = static_cast<const char*>(memchr(data, '\n', size));
    size_t line = newline != nullptr ? static_cast<size_t>(newline - data) : size;
    size_t length = line > berth::kMaxLogPayload ? berth::kMaxLogPayload : line;
    open = newline == nullptr || length < line;
    if (at + sizeof(LogFrame) + length > sizeof frame_space) {
      write_frames(log, frame_space, at);
      at = 0;
    }
    at = put_frame(at, data, length, stream, open ? kLogPartial : 0, time_ns);
    size_t used = open ? length : length + 1;
    data += used;
    size -= used;
  }
  write_frames(log, frame_space, at);
  return open;
}

void write_end(LogFile& log, uint8_t stream) {
  write_frames(log, frame_space, put_frame(0, "", 0, stream, kLogEnd, now_ns(CLOCK_REALTIME)));
}

}  // namespace berth::keeper
