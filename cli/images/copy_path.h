#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>

#include "base/result.h"
#include "sys/fd.h"

namespace berth::cli {

/// What a path below a root leads to, as `docker cp` looks at paths.
struct CopyPath {
  sys::UniqueFd parent;
  std::string name;                 // in the parent; "." if the path is a directory named by . or .. or the root
  std::optional<struct stat> info;  // nothing = there is none
  bool contents_only = false;       // "dir/.": what is in it
  bool wants_directory = false;     // ends with a slash

  [[nodiscard]] bool is_directory() const { return info && S_ISDIR(info->st_mode); }

  /// No lookup leaves the root, whatever changes meanwhile. `follow`: a symbolic link at the end is followed; one with
  /// a slash behind it always is. Error: the parent directory is missing.
  [[nodiscard]] static Result<CopyPath> resolve(sys::FdRef root, const std::string& path, bool follow);
};

/// Where a copy goes: the directory to unpack in, and the name that the source gets there; "" where it is only what is
/// in it that is copied.
struct CopyTarget {
  sys::UniqueFd directory;
  std::string name;
};

/// By the rules of cp(1) and Docker: into a directory that exists, or under the target's name. `base` is the source's
/// own name. Error: a directory over a file, a missing directory.
[[nodiscard]] Result<CopyTarget> copy_target(CopyPath target, const CopyPath& source, const std::string& base);

}  // namespace berth::cli
