#include <cstdint>
#include <cstdlib>

#include "compose/dotenv.h"

using namespace berth::compose;

/// Law: a name stands once, and an error names a line of the text.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string text(reinterpret_cast<const char*>(data), size);
  Lookup nobody = [](std::string_view) { return std::nullopt; };
  std::vector<std::string> unset;
  DotenvError error;
  berth::Result<Variables> variables = parse_dotenv(text, nobody, unset, &error);
  if (!variables.ok() && (error.line < 1 || error.message.empty())) std::abort();
  if (variables.ok() && variables->size() > 1 && variables->front().name == variables->back().name) std::abort();
  (void)parse_raw_env(text, nobody);
  return 0;
}
