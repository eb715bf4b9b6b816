#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "compose/model.h"

namespace berth::cli {

/// What `berth run` changes in the service for its one container.
struct RunOverrides {
  std::vector<std::string> command;       // empty = the service's
  std::optional<std::string> entrypoint;  // empty = none, not even the image's
  std::string user, workdir;
  std::vector<std::string> env, env_files, volumes, publish, labels, cap_add, cap_drop;
  bool service_ports = false;
};

/// Changes the service in `project`: without a container_name, without ports (but for what the flags say) and without a
/// restart policy; one container. Errors name the flag and its value.
[[nodiscard]] Status apply_overrides(const RunOverrides& overrides, compose::Project& project,
                                     const std::string& service);

}  // namespace berth::cli
