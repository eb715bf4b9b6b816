#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "images/store.h"
#include "images/tar_writer.h"

namespace berth::images {

/// Writes images as one archive that is a docker-archive (manifest.json) and an OCI layout (index.json, oci-layout) at
/// once, so that every other tool reads it. A name with a tag brings that name along, a name without one all of its
/// repository, an id none. Blobs go in as they are in the store, each once, verified on the way. Sorted and without
/// times: the same images give the same bytes.
///
/// The store is not collected meanwhile. Error: no such image (before anything is written); a blob that is not what its
/// digest says (what was written until then is of no use).
[[nodiscard]] Status save_images(Store& store, const std::vector<std::string>& names_or_ids, const WriteBytes& write);

/// One image as such an archive, under these full names whatever the store calls it.
[[nodiscard]] Status save_image(Store& store, const Image& image, const std::vector<std::string>& names,
                                const WriteBytes& write);

}  // namespace berth::images
