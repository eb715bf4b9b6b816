#pragma once

#include <string>

#include "base/result.h"
#include "git/library.h"

// Internal to git/.

namespace berth::git {

struct Access {
  std::string token, header;  // see CloneRequest; empty for other hosts than the first one
};

/// A repository at `path` that things are fetched into; made if it is not there. `bare`: without files.
[[nodiscard]] Result<Handle<git_repository>> open_repository(const std::string& path, bool bare);

/// The commit that `ref` means at `url`, fetched unless it is there already. A full name (refs/…) comes before a branch
/// and that before a tag; empty is the default branch. Error: names the address without its password.
[[nodiscard]] Result<Handle<git_commit>> fetch_commit(git_repository* repository, const std::string& url,
                                                      const std::string& ref, const Access& access);

}  // namespace berth::git
