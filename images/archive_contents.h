#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "images/blob_writer.h"
#include "images/digest.h"
#include "images/layer_unpack.h"
#include "images/store.h"

namespace berth::images {

/// The files of an image archive by their path in it, whether it came as a tar or as a directory.
class ArchiveContents {
 public:
  struct Blob {
    Digest digest;
    uint64_t size = 0;
  };

  virtual ~ArchiveContents() = default;
  [[nodiscard]] virtual bool has(const std::string& path) const = 0;
  /// A small file, at most kMetadataLimit bytes.
  [[nodiscard]] virtual Result<std::string> text(const std::string& path) const = 0;
  /// Puts the file into the store as a blob. Error: it is not what `expected` says.
  [[nodiscard]] virtual Result<Blob> adopt(const std::string& path, const std::optional<Digest>& expected) = 0;
};

/// Reads all of an outer tar (compressed or not, seekable or not). Its files wait beside the store's blobs and are gone
/// with this object unless adopted. Symbolic and hard links lead to other entries of the tar, never to the host's files
/// (CVE-2020-10696).
[[nodiscard]] Result<std::unique_ptr<ArchiveContents>> spool_tar(const Store& store, const ImportLease& lease,
                                                                 ReadBlob source);

/// The files of a directory, every path resolved inside it. `store` and `lease` must outlive the result.
[[nodiscard]] Result<std::unique_ptr<ArchiveContents>> open_archive_directory(const Store& store,
                                                                              const ImportLease& lease,
                                                                              const std::string& path);

}  // namespace berth::images
