#pragma once

#include "images/blob_writer.h"
#include "images/layer_unpack.h"

namespace berth::images {

/// All of `source` as one gzip stream into `sink`: quickly, rather than as small as can be. The same bytes give the
/// same stream on one machine.
[[nodiscard]] Status gzip(const ReadBlob& source, BlobWriter& sink);

}  // namespace berth::images
