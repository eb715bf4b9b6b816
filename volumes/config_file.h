#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/result.h"

namespace berth::volumes {

/// Content of a secret or config that becomes a file in a container.
struct ConfigFile {
  std::string name;  // file name in the directory; not a path
  std::string_view content;
  uid_t uid = 0;
  gid_t gid = 0;
  mode_t mode = 0444;
};

/// Writes the file into `directory` (made with 0700 if missing; the container's own directory, never one that a
/// container can write) and returns its path, ready to be bind-mounted. Replaces what an earlier start left. Opened
/// exclusively and by fd: nothing is followed.
[[nodiscard]] Result<std::string> write_config_file(const std::string& directory, const ConfigFile& file);

}  // namespace berth::volumes
