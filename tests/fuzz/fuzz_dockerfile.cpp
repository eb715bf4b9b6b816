#include <cstdint>
#include <cstdlib>

#include "dockerfile/expand.h"
#include "dockerfile/ignore.h"
#include "dockerfile/parse.h"

using namespace berth::dockerfile;

/// Laws: what is no Dockerfile has an error that says why; every place is one of the file; ignore rules decide.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string text(reinterpret_cast<const char*>(data), size);
  berth::Diagnostics diagnostics;
  std::optional<Dockerfile> file = parse("Dockerfile", text, diagnostics);
  if (file.has_value() == diagnostics.has_errors()) std::abort();
  for (const berth::Diagnostic& one : diagnostics.all()) {
    if (one.span.line < 0 || one.span.column < 0 || one.span.length < 0) std::abort();
  }
  (void)diagnostics.render();
  if (file && (file->stages.empty() || file->find_stage("0") < 0)) std::abort();

  berth::Diagnostics of_text;
  auto lookup = [](std::string_view name) -> std::optional<std::string> {
    return name.size() % 2 == 0 ? std::nullopt : std::optional<std::string>("value");
  };
  (void)expand({text, {}}, {lookup, '\\', of_text});
  IgnoreRules rules = IgnoreRules::parse(".dockerignore", text, of_text);
  (void)rules.ignores("some/path/of/a.file");
  return 0;
}
