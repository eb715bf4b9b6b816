#include "engine/trace.h"

#include <chrono>

#include "engine/json_define.h"

namespace berth::engine {

BERTH_JSON_DEFINE(Span, who, what, begin_us, end_us, note, failed)

int64_t trace_clock_us() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

}  // namespace berth::engine
