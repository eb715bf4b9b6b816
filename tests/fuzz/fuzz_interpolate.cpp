#include <cstdint>
#include <cstdlib>

#include "compose/interpolate.h"

using namespace berth::compose;

/// Law: a text with every dollar doubled comes out as it was.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string text(reinterpret_cast<const char*>(data), size);
  Lookup lookup = [](std::string_view name) -> std::optional<std::string> {
    if (name.size() % 3 == 0) return std::nullopt;
    return name.size() % 3 == 1 ? "" : "value";
  };
  std::vector<std::string> unset;
  (void)interpolate(text, lookup, unset);

  std::string doubled;
  for (char c : text) doubled.append(c == '$' ? 2 : 1, c);
  berth::Result<std::string> same = interpolate(doubled, lookup, unset);
  if (size < 100000 && (!same.ok() || *same != text)) std::abort();
  return 0;
}
