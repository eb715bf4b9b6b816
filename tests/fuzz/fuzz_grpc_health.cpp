#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "supervise/grpc_health.h"

using berth::supervise::GrpcHealthCheck;

// An answer says the same however it is cut into pieces, and what is sent back is no longer than what came.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view answer(reinterpret_cast<const char*>(data), size);
  GrpcHealthCheck whole("localhost:1", ""), in_bytes("localhost:1", "");
  std::string replies = whole.feed(answer), others;
  for (size_t i = 0; i < size && !in_bytes.verdict(); ++i) others += in_bytes.feed(answer.substr(i, 1));
  if (replies != others || replies.size() > size) std::abort();
  if (whole.verdict().has_value() != in_bytes.verdict().has_value()) std::abort();
  if (whole.verdict() &&
      (whole.verdict()->serving != in_bytes.verdict()->serving || whole.verdict()->text != in_bytes.verdict()->text))
    std::abort();
  return 0;
}
