#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "images/tar_writer.h"
#include "images/tree_tar.h"
#include "volumes/merged_tree.h"

namespace berth::builder {

/// The layer that an archive is unpacked into.
class LayerTarget {
 public:
  virtual ~LayerTarget() = default;
  /// The directory and those around it, as the layers below have them, else new.
  [[nodiscard]] virtual Status make_directory(const std::string& path) = 0;
  /// The directory with the entry's attributes, in the place of whatever is there. Requires: its parent is made.
  [[nodiscard]] virtual Status put_directory(const images::TarEntry& entry) = 0;
  /// Where a directory of that path really is; it may be reached by a link below.
  [[nodiscard]] virtual Result<std::string> real_directory(const std::string& path) = 0;
  [[nodiscard]] virtual std::optional<int64_t> latest_mtime() const = 0;
  [[nodiscard]] virtual images::TarWriter& tar() = 0;
};

/// Whether ADD takes the file apart: a tar, or gzip, bzip2, xz, zstd around one. By its content, never by its name.
[[nodiscard]] bool is_archive(const volumes::MergedDir& dir, const volumes::MergedDir::Entry& entry);

/// All entries of the archive below `directory`, whatever their names say, with the owners and modes that they have.
[[nodiscard]] Status unpack(const volumes::MergedDir& dir, const volumes::MergedDir::Entry& entry,
                            const std::string& directory, LayerTarget& target);

}  // namespace berth::builder
