#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "sys/fd.h"

namespace berth::volumes {

/// A directory of an image as a container would see it: the directories of that path in the layers that contribute to
/// it, topmost first. Reads what overlayfs would show (whiteouts, opaque directories) without mounting anything, so
/// that it needs no privilege and no particular kernel.
class MergedDir {
 public:
  /// One name in the directory, as it is in the topmost layer that has it.
  struct Entry {
    std::string name;
    struct stat info {};
    size_t layer = 0;  // index into this directory's contributors
  };

  /// The root of an image. Error: a layer directory that cannot be opened.
  [[nodiscard]] static Result<MergedDir> open_root(const std::vector<std::string>& layers);

  /// The entry of that name; nothing if there is none or it is whited out.
  [[nodiscard]] Result<std::optional<Entry>> find(const std::string& name) const;
  /// The child directory of that entry.
  [[nodiscard]] Result<MergedDir> child(const Entry& entry) const;
  /// All entries, sorted by name.
  [[nodiscard]] Result<std::vector<Entry>> entries() const;
  /// The directory in which the entry really is.
  [[nodiscard]] sys::FdRef home(const Entry& entry) const { return layers_[entry.layer].ref(); }
  /// The topmost contributor, whose owner and mode count.
  [[nodiscard]] sys::FdRef top() const { return layers_.front().ref(); }

 private:
  std::vector<sys::UniqueFd> layers_;
};

/// Walks an absolute path inside the image. Symbolic links and ".." stay inside it. Nothing if there is no such
/// directory.
[[nodiscard]] Result<std::optional<MergedDir>> find_directory(const std::vector<std::string>& layers,
                                                              const std::string& path);

}  // namespace berth::volumes
