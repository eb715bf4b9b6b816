#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/clock.h"
#include "compose/bytes.h"
#include "compose/duration.h"

using namespace berth;
using namespace berth::compose;

/// Law: a duration that is shown is read back as the same. Sizes are in one grammar with them: not below -1.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string text(reinterpret_cast<const char*>(data), size);
  if (std::optional<Duration> duration = parse_duration(text)) {
    std::optional<Duration> again = parse_duration(format_duration(*duration));
    if (!again || *again != *duration) std::abort();
  }
  std::optional<int64_t> bytes = parse_bytes(text);
  if (bytes && *bytes < -1) std::abort();
  return 0;
}
