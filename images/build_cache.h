#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "images/digest.h"
#include "images/manifest.h"
#include "images/store.h"

namespace berth::images {

/// What a build step has made: a layer.
struct CachedStep {
  Descriptor layer;
  Digest diff_id;
  std::string created;  // RFC 3339: when it was made
};

/// Results of build steps by key, below the store: build-cache/<hex of the key>. Layers that are named here are kept by
/// garbage_collect() as those of images are.
class BuildCache {
 public:
  explicit BuildCache(const Store& store) : store_(store) {}

  /// Nothing if there is none, or if its layer is not in the store any more.
  [[nodiscard]] std::optional<CachedStep> find(const Digest& key) const;
  /// Requires: the layer is in the store, and a lease is held.
  [[nodiscard]] Status put(const Digest& key, const CachedStep& step) const;
  /// Forgets everything; the layers go with the next garbage_collect(). Returns how many there were.
  [[nodiscard]] Result<size_t> clear() const;
  /// Every step that can be read.
  [[nodiscard]] Result<std::vector<CachedStep>> all() const;

 private:
  const Store& store_;
};

}  // namespace berth::images
