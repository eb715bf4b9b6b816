#pragma once

#include <map>
#include <optional>
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
  const std::optional<Platform>& platform;  // nothing: of several the host's, and whatever there is alone
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

/// Of several images the one for this.
[[nodiscard]] inline Platform preferred(const LoadJob& job) {
  return job.platform.value_or(host_platform());
}
/// Error: the image is not for the platform that was asked for; `what` names it.
[[nodiscard]] Status check_platform(const LoadJob& job, const ImageConfig& config, const std::string& what);

/// Puts one layer of the archive into the store, blob and tree. Nothing is unpacked if the tree is there.
[[nodiscard]] Result<Descriptor> load_layer(LoadJob& job, const std::string& path, const LayerExpectation& expected);

}  // namespace berth::images
