#pragma once

#include "base/result.h"
#include "volumes/store.h"

namespace berth::volumes {

/// Removes what makers and removers of volumes that were killed have left half done.
[[nodiscard]] Status sweep(const VolumeStore& store);

}  // namespace berth::volumes
