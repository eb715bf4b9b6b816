#pragma once

#include <nlohmann/json.hpp>

#include "cli/context.h"
#include "engine/state.h"
#include "images/config.h"

namespace berth::cli {

/// What a container's inspect needs to know besides the container.
struct Surroundings {
  const sys::Paths& paths;
  const engine::Observed& observed;
  const images::ImageConfig* image = nullptr;  // of the container's image, if that is still there
  bool size = false;                           // count what its writable layer takes
};

/// A container as `docker inspect` shows it: the keys that scripts read, with Docker's names, types and zero values.
[[nodiscard]] nlohmann::ordered_json container_json(const engine::Container& container, const Surroundings& around);

// Its parts, in files of their own.
[[nodiscard]] nlohmann::ordered_json host_config_json(const engine::Container& container);
[[nodiscard]] nlohmann::ordered_json network_settings_json(const engine::Container& container,
                                                           const engine::Observed& observed);

/// A list, or null where there is nothing in it, as Go encodes an empty slice that was never made.
[[nodiscard]] nlohmann::ordered_json list_or_null(const std::vector<std::string>& list);

}  // namespace berth::cli
