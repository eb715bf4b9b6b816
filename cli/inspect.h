#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/context.h"

namespace berth::cli {

/// What the `inspect` commands do: shows the objects with these names, as an indented JSON array, in one line of it
/// ("json"), or each through a Go template. All that were found are shown, and all that were not are named; the exit
/// code is 1 then.
[[nodiscard]] int show_objects(const Context& context, const std::vector<std::string>& names, const std::string& format,
                               const std::function<Result<nlohmann::ordered_json>(const std::string&)>& find);

}  // namespace berth::cli
