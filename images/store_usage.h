#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "images/store.h"

namespace berth::images {

/// What an image takes on the disk: its blobs and the unpacked trees of its layers, in bytes.
struct ImageUsage {
  Image image;
  uint64_t total = 0;
  uint64_t shared = 0;  // of total: needed by another image as well
  [[nodiscard]] uint64_t unique() const { return total - shared; }
};

struct StoreUsage {
  std::vector<ImageUsage> images;  // as Store::list() gives them
  uint64_t total = 0;              // everything once
  uint64_t reclaimable = 0;        // of total: needed by no image in use
  size_t build_steps = 0;          // that the build cache knows
  uint64_t build_cache = 0;        // bytes that are needed by nothing else
};

/// Walks the trees of all images, which takes its time. Images that cannot be read are left out.
[[nodiscard]] Result<StoreUsage> store_usage(const Store& store, const std::vector<Digest>& in_use);

}  // namespace berth::images
