#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "images/tar_writer.h"
#include "images/tree_tar.h"

namespace berth::builder {

/// The files of stacked layers (topmost first) as one tar, with its end mark: what a container of the image would see.
[[nodiscard]] Status write_files(const std::vector<std::string>& layers, const images::TreeTar::Changes& changes,
                                 const images::WriteBytes& write);

/// The same into a directory, which is made if it is missing; what has the same names there is replaced, the rest
/// stays. All of it is owned by whoever we are. Links in the directory are not followed.
[[nodiscard]] Status copy_files(const std::vector<std::string>& layers, const std::string& directory);

}  // namespace berth::builder
