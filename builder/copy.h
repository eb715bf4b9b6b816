#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "builder/tree.h"
#include "images/tar_writer.h"
#include "images/tree_tar.h"

namespace berth::builder {

/// A COPY or ADD, its variables replaced.
struct CopyRequest {
  std::vector<Source> sources;
  struct Inline {  // from a heredoc
    std::string name, content;
  };
  std::vector<Inline> inline_files;
  std::string destination;  // absolute, as written otherwise: a slash at its end means a directory
  images::TreeTar::Changes changes;
  int64_t now = 0;       // time of what has none of its own, seconds since 1970
  bool unpack = false;   // archives among the sources are taken apart (ADD)
  bool parents = false;  // keep the sources' directories
};

/// Writes what the request adds on top of the target's layers as the tar of a layer, with its end mark. Directories on
/// the way keep what the layers below say of them; links on the way are followed inside the root. Error: a file in the
/// place of a directory, or the other way round.
[[nodiscard]] Status write_copy(const SourceTree& tree, const std::vector<std::string>& target_layers,
                                const CopyRequest& request, images::TarWriter& tar);

/// What --chmod does to permission bits: "0755", "u=rwX,go=rX". Error: expected forms.
[[nodiscard]] Result<std::function<mode_t(mode_t)>> mode_change(const std::string& text);

}  // namespace berth::builder
