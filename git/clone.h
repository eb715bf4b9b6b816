#pragma once

#include <string>

#include "base/result.h"
#include "dockerfile/git_remote.h"

namespace berth::git {

struct CloneRequest {
  dockerfile::GitRemote remote;
  std::string repositories;   // directory where what was fetched is kept from one time to the next
  std::string directory;      // where the files go; there and empty
  bool keep_git_dir = false;  // with all of its history and where it came from, in ".git"
  std::string token;          // password for the remote's own host, and no other
  std::string header;         // "Authorization" for it, in place of that
};

/// Puts the files of a commit into a directory, submodules included, and returns the commit's id. ssh asks the agent at
/// $SSH_AUTH_SOCK for keys and believes hosts that ~/.ssh/known_hosts names.
///
/// Nothing but the two directories is written, whatever the repository says: names such as ".git" and ".." are errors,
/// links are made and never followed, hooks and filters of programs do not exist. Submodules lead to networks only.
/// libgit2 1.5 knows no shallow fetch: the history of the one branch comes along the first time. Error: names the
/// repository or the file.
[[nodiscard]] Result<std::string> clone(const CloneRequest& request);

}  // namespace berth::git
