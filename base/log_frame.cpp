#include "base/log_frame.h"

#include <cstdio>

#include "base/crc32c.h"

namespace berth {
namespace {

constexpr size_t kChecked = offsetof(LogFrame, time_ns);

uint32_t checksum(const LogFrame& frame, const char* payload) noexcept {
  const char* header = reinterpret_cast<const char*>(&frame);
  return crc32c(crc32c(0, header + kChecked, sizeof frame - kChecked), payload, frame.length);
}

}  // namespace

void name_log_file(uint32_t number, char (&name)[kLogNameSize]) noexcept {
  if (number == 0)
    snprintf(name, sizeof name, "log");
  else
    snprintf(name, sizeof name, "log.%u", number);
}

void seal(LogFrame& frame, const char* payload) noexcept {
  frame.magic = kLogMagic;
  frame.crc = checksum(frame, payload);
}

bool intact(const LogFrame& frame, const char* payload) noexcept {
  return frame.magic == kLogMagic && frame.length <= kMaxLogPayload && frame.crc == checksum(frame, payload);
}

}  // namespace berth
