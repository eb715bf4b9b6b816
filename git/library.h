#pragma once

#include <git2.h>

#include <memory>
#include <string>

#include "base/result.h"

// What libgit2 gives, owned. Internal to git/.

namespace berth::git {

struct Free {
  void operator()(git_repository* it) const { git_repository_free(it); }
  void operator()(git_remote* it) const { git_remote_free(it); }
  void operator()(git_object* it) const { git_object_free(it); }
  void operator()(git_commit* it) const { git_commit_free(it); }
  void operator()(git_tree* it) const { git_tree_free(it); }
  void operator()(git_tree_entry* it) const { git_tree_entry_free(it); }
  void operator()(git_blob* it) const { git_blob_free(it); }
  void operator()(git_index* it) const { git_index_free(it); }
  void operator()(git_config* it) const { git_config_free(it); }
};
template <class T>
using Handle = std::unique_ptr<T, Free>;

/// The library while it is in use. Of the machine's configuration it reads none, of the user's only what git cannot do
/// without (proxies, known hosts), so that a repository gives the same files everywhere.
class Library {
 public:
  Library();
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  ~Library() { git_libgit2_shutdown(); }
};

/// The attempt, and what libgit2 said last.
[[nodiscard]] Error failure(const std::string& attempt);

[[nodiscard]] std::string hex(const git_oid& id);

}  // namespace berth::git
