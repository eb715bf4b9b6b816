#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "images/reference.h"

// Laws: a reference that can be read has a full and a familiar form, and reading either gives the same reference.

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace berth::images;
  auto reference = parse_reference({reinterpret_cast<const char*>(data), size});
  if (!reference) return 0;
  auto full = parse_reference(reference->str());
  auto familiar = parse_reference(reference->familiar());
  if (!full || !familiar || *full != *reference || *familiar != *reference) std::abort();
  if (reference->tag.empty() && !reference->digest) std::abort();
  return 0;
}
