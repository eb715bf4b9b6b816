#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "compose/model.h"

namespace berth::compose {

/// The short form `[[ip:][host]:]container[/protocol]` with ranges, one Port per container port.
/// "8000-8010:80" is one port with a choice; "8000-8001:80-81" is two; "80-85" is six that take any free port.
[[nodiscard]] Result<std::vector<Port>> parse_port(std::string_view text);

/// "8080" or "8000-8010" with first <= last, each 0..65535.
[[nodiscard]] bool valid_port_range(std::string_view text);

}  // namespace berth::compose
