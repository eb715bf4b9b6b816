#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "engine/state.h"

namespace berth::cli {

// What `ps`, `container ls` and `system df` show of a container.

/// "\"docker-entrypoint.s…\"": quoted, at most 20 characters unless asked for all.
[[nodiscard]] std::string command_text(const engine::Container& container, bool full);
/// "Up 5 minutes (healthy)", "Exited (1) 3 hours ago".
[[nodiscard]] std::string status_text(const engine::Container& container);
/// "5 minutes ago"
[[nodiscard]] std::string age_text(int64_t since_ns);

/// The keys of `docker ps --format json`, in its order. `full`: ids and commands are not cut.
[[nodiscard]] nlohmann::ordered_json docker_row(const engine::Container& container, bool full);
/// The keys of `docker compose ps --format json`, in its order.
[[nodiscard]] nlohmann::ordered_json compose_row(const engine::Container& container, bool full);

}  // namespace berth::cli
