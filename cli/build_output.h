#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace berth::cli {

/// What becomes of a build's result: `--output`.
struct BuildOutput {
  std::string type;                // image, registry, docker, oci, local, tar, cacheonly
  std::string dest;                // file or directory, "-" = standard output; empty: the image store
  std::vector<std::string> names;  // besides the tags
  bool push = false;
  bool packed = true;  // oci: one file, not a directory

  /// Whether the image gets its names in the store.
  [[nodiscard]] bool is_stored() const {
    return type == "image" || type == "registry" || (type == "docker" && dest.empty());
  }
  /// Whether it becomes an archive of an image.
  [[nodiscard]] bool is_archive() const { return (type == "docker" && !dest.empty()) || type == "oci"; }
};

/// "type=local,dest=DIRECTORY", or a directory alone, "-" for a tar on standard output. Error: an unknown type or key
/// with the nearest one; a type without the place that it needs.
[[nodiscard]] Result<BuildOutput> parse_build_output(const std::string& text);

}  // namespace berth::cli
