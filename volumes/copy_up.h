#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "volumes/store.h"

namespace berth::volumes {

enum class CopyUp {
  copied,     // the volume now holds what the image has there
  not_empty,  // the volume has content of its own, which stays
  already,    // done before
  no_source,  // the image has no directory there
};

/// Fills a volume that has never been used from the directory `path` of an image. `layers` are the image's overlay
/// lower directories, topmost first; whiteouts and opaque directories count, symbolic links in `path` are resolved
/// inside the image (CVE-2022-23648).
///
/// Copies owner, mode, times, extended attributes, hard links, symbolic links, devices and FIFOs; sockets are left out.
/// The volume's own directory gets owner and mode of the image's. The copy is made beside the volume, synced, and put
/// in its place at once: killed at any instant, the volume is empty or whole, and the next call finishes the job. Two
/// callers at once: one copies, the other waits. Requires: called before the volume is mounted anywhere for the first
/// time.
[[nodiscard]] Result<CopyUp> copy_up(const VolumeStore& store, const std::string& volume,
                                     const std::vector<std::string>& layers, const std::string& path);

}  // namespace berth::volumes
