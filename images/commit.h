#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "images/config.h"
#include "images/layer_sink.h"
#include "images/store.h"
#include "images/tree_tar.h"
#include "sys/fd.h"

namespace berth::images {

/// Puts what overlayfs's upper directory holds into the store as a layer: a plain tar (write_layer_diff) and its tree.
[[nodiscard]] Result<StoredLayer> store_layer_diff(const Store& store, const ImportLease& lease, sys::FdRef upper,
                                                   const TreeTar::Changes& changes = {});

struct CommitRequest {
  Digest base;             // id of the image below
  ImageConfig config;      // how to run it; layers and history are the base's
  std::string name;        // as the user wrote it; empty: an unnamed image
  std::string created_by;  // goes into the history
  std::string author, comment;
};

/// A new image: the base and, as one more layer, what is in `upper`. The name is checked before anything is read.
[[nodiscard]] Result<Image> commit_layer(Store& store, sys::FdRef upper, const CommitRequest& request);

}  // namespace berth::images
