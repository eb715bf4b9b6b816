#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "volumes/merged_tree.h"

namespace berth::builder {

/// Where a path leads in stacked layers, or in a plain directory (one layer). Symbolic links are followed inside the
/// root and nowhere else.
struct Found {
  std::string path;                          // without links on the way, no slash in front; "" = the root
  std::optional<volumes::MergedDir> parent;  // of `entry`
  volumes::MergedDir::Entry entry;
  bool has_entry = false;  // false: there is no such file, or it is the root

  [[nodiscard]] bool exists() const { return has_entry || path.empty(); }
  [[nodiscard]] bool is_directory() const { return path.empty() || (has_entry && S_ISDIR(entry.info.st_mode)); }
};

/// The last component too is followed if it is a link and `follow_last`. Of what is not there yet the path is kept as
/// written. Error: too many links, a file in the place of a directory.
[[nodiscard]] Result<Found> find_path(const std::vector<std::string>& layers, const std::string& path,
                                      bool follow_last);

/// Parts of clean paths without a slash in front; "" is the root.
[[nodiscard]] std::string base_name(const std::string& path);
[[nodiscard]] std::string parent_of(const std::string& path);
[[nodiscard]] std::string below(const std::string& directory, const std::string& name);

}  // namespace berth::builder
