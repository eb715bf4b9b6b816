#pragma once

#include "base/result.h"
#include "sys/fd.h"
#include "volumes/merged_tree.h"

namespace berth::volumes {

/// Copies everything below `source` into the empty directory `target`, and owner, mode, times and attributes of
/// `source` onto it: files (shared extents where the file system can), directories, symbolic links, devices, FIFOs,
/// hard links among what is copied. Sockets are left out. Nothing is followed. Error: names the path below the source.
[[nodiscard]] Status copy_tree(const MergedDir& source, sys::FdRef target);

}  // namespace berth::volumes
