#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "images/platform.h"
#include "images/progress.h"
#include "images/store.h"
#include "sys/fd.h"

namespace berth::images {

struct LoadedImage {
  Digest id;
  std::vector<std::string> names;  // full names; empty: loaded by id only
};

/// Reads the images of an archive as `docker save`, `skopeo copy`, `buildah push` or `podman save` write it:
/// docker-archive (manifest.json) in its old and new layout, or an OCI layout (index.json), with gzip, zstd or xz
/// around it or not, in any order of entries; the fd need not be seekable. An archive that is both is read by its
/// manifest.json. Multi-platform indexes: the image for `platform`. Links in the archive lead to other entries of it
/// and nowhere else. All digests are verified; an image gets its names when all of it is in the store. Error: none of
/// it is for `platform` (nothing: the host's, but one that is alone may be for any); the images that were complete
/// stay.
[[nodiscard]] Result<std::vector<LoadedImage>> load_archive(Store& store, sys::FdRef archive,
                                                            const std::optional<Platform>& platform = {},
                                                            Progress* progress = nullptr);
/// The same from a file, or from an OCI layout that is a directory.
[[nodiscard]] Result<std::vector<LoadedImage>> load_archive(Store& store, const std::string& path,
                                                            const std::optional<Platform>& platform = {},
                                                            Progress* progress = nullptr);

/// One image of an OCI layout that is a directory, without a name in the store: `which` is a tag or a full name of its
/// index.json, or the digest of a manifest or index. Empty: "latest", else the only one. Error: lists what there is.
[[nodiscard]] Result<Image> load_oci_image(Store& store, const std::string& path, const std::string& which,
                                           const Platform& platform);

}  // namespace berth::images
