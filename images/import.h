#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "images/platform.h"
#include "images/progress.h"
#include "images/store.h"
#include "sys/fd.h"

namespace berth::images {

struct ImportRequest {
  std::string name;                  // as the user wrote it; empty: an unnamed image
  std::vector<std::string> changes;  // see apply_changes
  std::string message;               // goes into the history
  Platform platform = host_platform();
};

/// Makes an image of one layer out of the tar of a root file system (plain, gzip, zstd, xz or bzip2). A plain tar is
/// stored as it is: compressing would cost more time than it saves. Changes and name are checked before anything is
/// read.
[[nodiscard]] Result<Image> import_tar(Store& store, sys::FdRef tar, const ImportRequest& request,
                                       Progress* progress = nullptr);
/// The same from a file.
[[nodiscard]] Result<Image> import_tar(Store& store, const std::string& path, const ImportRequest& request,
                                       Progress* progress = nullptr);

}  // namespace berth::images
