#pragma once

#include <string>

#include "base/result.h"

namespace berth::volumes {

struct BindSource {
  std::string path;  // absolute, as given
  bool is_directory = true;
  bool created = false;
};

/// Checks the host path of a bind mount before anything is started. A missing one is made as a directory (0755) with
/// its parents if `create_host_path`, else it is an error that names the path and the nearest parent that exists. Error
/// also: relative path, not reachable (ENOTDIR, EACCES), a NUL byte. The caller adds service and position.
[[nodiscard]] Result<BindSource> prepare_bind_source(const std::string& path, bool create_host_path);

}  // namespace berth::volumes
