#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "images/archive_contents.h"
#include "images/layer_sink.h"
#include "images/load.h"

namespace berth::images {

/// What the two archive formats have in common: where images come from and where they go.
struct LoadJob {
  Store& store;
  const ImportLease& lease;
  ArchiveContents& contents;
  const Platform& platform;
  Progress* progress;
  std::vector<LoadedImage> loaded{};
  std::map<Digest, Descriptor> layers{};  // by diff id: verified in this run
};

/// The images of manifest.json (docker save). Config bytes are kept, so ids stay Docker's.
[[nodiscard]] Status load_docker_images(LoadJob& job);
/// The images of index.json (OCI layout). Manifest bytes are kept, so digests stay the registry's.
[[nodiscard]] Status load_oci_images(LoadJob& job);
/// The one that `which` means; see load_oci_image().
[[nodiscard]] Status load_oci_entry(LoadJob& job, const std::string& which);

/// Puts one layer of the archive into the store, blob and tree. Nothing is unpacked if the tree is there.
[[nodiscard]] Result<Descriptor> load_layer(LoadJob& job, const std::string& path, const LayerExpectation& expected);

}  // namespace berth::images
