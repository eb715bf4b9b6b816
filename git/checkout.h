#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"
#include "git/library.h"
#include "sys/fd.h"

// Internal to git/.

namespace berth::git {

/// Called for a submodule: `path` from the root of its repository, the commit, the directory that was made for it.
using OnSubmodule = std::function<Status(const std::string& path, const git_oid& commit, sys::FdRef directory)>;

/// Writes the files of a tree into a directory. What git's attributes say of line ends is done; times are the commit's,
/// so that they are the same each time.
class Checkout {
 public:
  /// `files` counts down over all of a clone.
  Checkout(git_repository* repository, const git_commit* commit, OnSubmodule on_submodule, uint64_t& files);

  /// The directory `subdir` of the commit ("": all of it). Error: there is no such directory; a name that no file may
  /// have; more than fits.
  [[nodiscard]] Status write(const std::string& subdir, sys::FdRef directory);

  /// A small file at the top, empty if there is none or if it is a link.
  [[nodiscard]] std::string text(const std::string& name) const;

 private:
  [[nodiscard]] Status write_tree(const git_tree* tree, const std::string& path, sys::FdRef directory, int depth);
  [[nodiscard]] Status write_entry(const git_tree_entry* entry, const std::string& path, sys::FdRef directory,
                                   int depth);
  [[nodiscard]] Status write_file(const git_tree_entry* entry, const std::string& path, sys::FdRef directory);
  [[nodiscard]] Status set_time(sys::FdRef directory, const std::string& name) const;

  git_repository* repository_;
  const git_commit* commit_;
  OnSubmodule on_submodule_;
  uint64_t& files_;
};

}  // namespace berth::git
