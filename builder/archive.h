#pragma once

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
  [[nodiscard]] virtual Status make_directory(const std::string& path) = 0;
  [[nodiscard]] virtual Result<std::string> real_directory(const std::string& path) = 0;
  [[nodiscard]] virtual const images::TreeTar::Changes& changes() const = 0;
  [[nodiscard]] virtual images::TarWriter& tar() = 0;
};

/// Whether ADD takes the file apart: a tar, or gzip, zstd, xz, bzip2 around one. By its content, never by its name.
[[nodiscard]] bool is_archive(const volumes::MergedDir& dir, const volumes::MergedDir::Entry& entry);

/// All entries of the archive below `directory`, whatever their names say.
[[nodiscard]] Status unpack(const volumes::MergedDir& dir, const volumes::MergedDir::Entry& entry,
                            const std::string& directory, LayerTarget& target);

}  // namespace berth::builder
