#include <cstdint>
#include <cstdlib>

#include "compose/volume.h"

using namespace berth;
using namespace berth::compose;

/// Law: a mount that was understood has an absolute and clean target, and an error says something.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string text(reinterpret_cast<const char*>(data), size);
  std::vector<std::string> unknown;
  Result<Mount> mount = parse_mount(text, unknown);
  if (!mount.ok()) {
    if (mount.error().message().empty()) std::abort();
    return 0;
  }
  if (!mount->target.starts_with('/') || clean_path(mount->target) != mount->target) std::abort();
  if (mount->type == Mount::Type::bind && mount->source.empty()) std::abort();
  return 0;
}
