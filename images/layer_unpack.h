#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "images/digest.h"
#include "sys/fd.h"

namespace berth::images {

/// What a layer may be at most; more is an error that names the limit.
struct UnpackLimits {
  uint64_t tar_bytes = uint64_t{64} << 30;  // of the uncompressed tar
  uint64_t entries = 4'000'000;
  uint64_t ratio = 1200;  // uncompressed : compressed, once ratio_floor is passed
  uint64_t ratio_floor = uint64_t{256} << 20;
};

struct UnpackOptions {
  UnpackLimits limits;
  /// A tar of files and no layer: ".wh." means nothing, and a file takes no directory's place nor the reverse. `root`
  /// need not be empty.
  bool plain = false;
  bool rootless = false;  // whiteouts marked user.overlay.*, devices skipped with a note, owners left alone
};

struct UnpackResult {
  Digest diff_id;  // of the uncompressed tar, to its very last byte
  uint64_t tar_bytes = 0;
  uint64_t entries = 0;
  std::vector<std::string> notes;  // what was left out and why, at most 100
};

/// Gives the next bytes of the layer's blob, an empty view at its end.
using ReadBlob = std::function<Result<std::string_view>()>;

/// The bytes of a descriptor, which must outlive the function. Error: "read WHAT".
[[nodiscard]] ReadBlob read_blob_from(sys::FdRef fd, std::string what);

/// Unpacks a layer (tar, or gzip, zstd, xz around one) into the empty directory `root` in the form overlayfs wants:
/// whiteouts become character devices 0:0, opaque directories get trusted.overlay.opaque.
///
/// Nothing outside `root` is read, written or changed, whatever the tar says: each parent is looked up by openat2
/// inside the root, the last component is never followed. Names with ".." that lead above the root, empty names and
/// names longer than PATH_MAX are errors; absolute names are taken as relative to the root. The last of several entries
/// for one name wins. Runs in this process; LayerSink runs it in a confined one. The tree is not synced. Error: names
/// the entry. What was unpacked until then stays in `root`, for the caller to remove.
[[nodiscard]] Result<UnpackResult> unpack_layer(const ReadBlob& read, sys::FdRef root, const UnpackOptions& options);

/// Only decompresses and hashes: for a layer whose tree is there already.
[[nodiscard]] Result<UnpackResult> verify_layer(const ReadBlob& read, const UnpackLimits& limits);

}  // namespace berth::images
