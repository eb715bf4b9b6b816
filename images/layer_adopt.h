#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "images/layer_sink.h"
#include "images/store.h"

namespace berth::images {

/// Puts overlayfs's upper directory `upper`, which nobody uses any more, into the store as a layer: its tar as
/// store_layer_diff() writes it, and the directory itself as the tree, where both are on one file system (else unpacked
/// from the tar). The tree is what unpacking the tar would give: whole seconds, times no later than `latest_mtime`,
/// without sockets and without what overlayfs notes in an upper directory. What stays at `upper` is the caller's.
[[nodiscard]] Result<StoredLayer> adopt_layer_diff(const Store& store, const ImportLease& lease,
                                                   const std::string& upper, std::optional<int64_t> latest_mtime);

}  // namespace berth::images
