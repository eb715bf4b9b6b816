#pragma once

#include <string>

#include "base/result.h"
#include "sys/fd.h"

namespace berth::builder {

/// Whether the file is a tar, plain or packed: by its content, never by its name.
[[nodiscard]] bool is_archive(sys::FdRef file);

/// Takes an archive apart into an empty directory, in a process that sees nothing else. Nothing in it leads out of the
/// directory: names that would are errors, links are made and never followed.
[[nodiscard]] Status unpack_archive(sys::FdRef file, const std::string& directory);

}  // namespace berth::builder
