#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sys/fd.h"

namespace berth::sys {

/// open(2) with O_CLOEXEC always added. Error: "open PATH".
[[nodiscard]] Result<UniqueFd> open_file(const std::string& path, int flags, mode_t mode = 0);

/// openat(2) with O_CLOEXEC always added; `name` is relative to `dir`.
[[nodiscard]] Result<UniqueFd> open_at(FdRef dir, const std::string& name, int flags, mode_t mode = 0);

/// openat2(2) confined to `root` as if chrooted there: absolute symlinks and ".." cannot leave it, magic links are
/// refused. For every path that an image, a volume or an archive can influence.
[[nodiscard]] Result<UniqueFd> open_in_root(FdRef root, const std::string& path, int flags, mode_t mode = 0);

/// The whole file, at most `limit` bytes; a longer one is an error (EFBIG), so that no input can exhaust memory.
[[nodiscard]] Result<std::string> read_all(FdRef fd, size_t limit = 64 << 20);
[[nodiscard]] Result<std::string> read_file(const std::string& path, size_t limit = 64 << 20);

/// write(2) until all is written.
[[nodiscard]] Status write_all(FdRef fd, std::string_view data);

enum class Durability {
  none,  // survives a crash of berth: enough below $BERTH_RUN, which a reboot empties anyway
  disk,  // survives a power cut: file and directory are synced
};

/// Replaces the file at once: a reader sees the old or the new content, never a mixture. Temporary files begin with
/// ".tmp-", so that what a crash left can be told and removed.
[[nodiscard]] Status write_file_atomic(const std::string& path, std::string_view data, Durability durability,
                                       mode_t mode = 0644);

/// Writes into an existing file in place (cgroup and proc files).
[[nodiscard]] Status write_existing(const std::string& path, std::string_view data);
[[nodiscard]] Status write_existing_at(FdRef dir, const std::string& name, std::string_view data);

/// mkdir -p; directories that exist are left as they are.
[[nodiscard]] Status make_dirs(const std::string& path, mode_t mode = 0755);

/// rm -rf without following symlinks, crossing no mount point; Ok if already gone. Reports the first thing it could not
/// remove.
[[nodiscard]] Status remove_tree(const std::string& path);
/// The same for the entry `name` of a directory.
[[nodiscard]] Status remove_tree_at(FdRef dir, const std::string& name);

/// syncfs(2): everything written to the file system of `fd` is on the disk.
[[nodiscard]] Status sync_filesystem(FdRef fd);
/// fsync of a directory: names made or removed in it are on the disk.
[[nodiscard]] Status sync_dir(const std::string& path);

/// Names in a directory without "." and "..", sorted.
[[nodiscard]] Result<std::vector<std::string>> list_dir(const std::string& path);

[[nodiscard]] bool exists(const std::string& path);

/// An unnamed file in memory holding `data`, sealed against change, positioned at its start.
[[nodiscard]] Result<UniqueFd> memory_file(const std::string& name, std::string_view data);

/// Random bytes as lower-case hexadecimal: 32 bytes make a 64-digit container id.
[[nodiscard]] std::string random_hex(size_t bytes);

}  // namespace berth::sys
