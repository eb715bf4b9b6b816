#pragma once

#include <functional>

#include "base/result.h"
#include "images/progress.h"
#include "images/reference.h"
#include "images/store.h"
#include "registry/client.h"
#include "registry/transfer.h"

namespace berth::registry {

struct Pushed {
  images::Digest digest;  // of the manifest that the registry has now
  size_t size = 0;        // of that manifest
};

/// Sends the image that the store has under the reference to its registry: layers and config that are not there yet,
/// side by side, and then the manifest. Layers that are kept uncompressed travel as gzip; the image's id stays the
/// same.
[[nodiscard]] Result<Pushed> push(Client& client, images::Store& store, const images::Reference& reference,
                                  Slots& slots, images::Progress& progress, const std::function<bool()>& cancelled);

}  // namespace berth::registry
