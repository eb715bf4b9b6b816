#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "sys/fd.h"

namespace berth::sys {

/// Names in an open directory without "." and "..", sorted. The descriptor may be O_PATH; its position stays.
[[nodiscard]] Result<std::vector<std::string>> names_in(FdRef dir);

/// Bytes that the tree takes on the disk: blocks of files and directories, each inode once, symbolic links not
/// followed, other file systems left out. What goes away meanwhile does not count; 0 if there is nothing at `path`.
[[nodiscard]] uint64_t disk_usage(const std::string& path);

}  // namespace berth::sys
