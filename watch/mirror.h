#pragma once

#include <sys/types.h>

#include <cstddef>
#include <vector>

#include "base/result.h"
#include "sys/fd.h"
#include "watch/rule.h"

namespace berth::watch {

/// Whose the files in a container are.
struct Owner {
  uid_t uid = 0;
  gid_t gid = 0;
};

struct Mirrored {
  size_t changed = 0;           // entries that were not as they are on the host
  std::vector<Error> failures;  // of single entries; the others are done all the same
};

/// Makes what is below a container's root as it is on the host: files, directories and symbolic links with the bits of
/// their modes and the times of files, and nothing where the host has nothing. What is equal already stays as it is.
///
/// A file takes the place of the former at once: who reads it sees the old or the new one. Nothing outside of the root
/// is touched, whatever the container does meanwhile: directories are looked up by openat2 inside the root, and the
/// last component is never followed. Other kinds of files, and what is mounted there, are left alone.
[[nodiscard]] Mirrored mirror(const Copies& copies, sys::FdRef root, Owner owner);

}  // namespace berth::watch
