#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

// Words of EXPOSE and HEALTHCHECK, for Dockerfiles and for `import --change`.

namespace berth::images {

/// "8080", "8080/udp", "8000-8010": each port as "8000/tcp". Nothing for anything else.
[[nodiscard]] std::optional<std::vector<std::string>> parse_exposed_ports(const std::string& word);

/// Go's form: "1m30s", "500ms", "1.5h", "0". Nothing for anything else.
[[nodiscard]] std::optional<Duration> parse_go_duration(std::string_view text);

}  // namespace berth::images
