#include <cstdint>
#include <cstdlib>

#include "compose/bytes.h"
#include "compose/duration.h"
#include "compose/port.h"
#include "compose/shell_words.h"
#include "compose/volume.h"

using namespace berth::compose;

/// Laws: ports that are returned are ports; a duration that is shown is read back; a cleaned path stays as it is.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string text(reinterpret_cast<const char*>(data), size);
  if (berth::Result<std::vector<Port>> ports = parse_port(text); ports.ok()) {
    if (ports->empty()) std::abort();
    for (const Port& port : *ports) {
      if (port.target == 0 || (!port.published.empty() && !valid_port_range(port.published))) std::abort();
    }
  }
  if (std::optional<berth::Duration> duration = parse_duration(text)) {
    if (!parse_duration(berth::format_duration(*duration))) std::abort();
  }
  if (std::optional<int64_t> bytes = parse_bytes(text); bytes && *bytes < -1) std::abort();
  std::string clean = clean_path(text);
  if (clean_path(clean) != clean) std::abort();
  std::vector<std::string> unknown;
  (void)parse_mount(text, unknown);
  (void)split_shell_words(text);
  return 0;
}
