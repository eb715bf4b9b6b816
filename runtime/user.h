#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace berth::runtime {

/// The directories of a rootfs as overlay stacks them: upper first, then the layers, topmost first.
using LayerStack = std::vector<std::string>;

/// Reads a file of the stacked rootfs from outside, before it is mounted: topmost layer that has it, whiteouts and
/// opaque directories respected, never outside the layers, regular files of at most 1 MiB only. Nothing if there is
/// none.
[[nodiscard]] Result<std::optional<std::string>> read_layered(const LayerStack& layers, const std::string& path);

/// Who a process runs as.
struct ResolvedUser {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;  // supplementary, sorted, the primary one included
  std::string home = "/";
};

/// "uid|name[:gid|group]" in the words of the rootfs's /etc/passwd and /etc/group. All digits is always a number
/// (0..2^31-1), never a name. A number without an entry has gid 0 and home "/". Error: unknown name, number too large.
[[nodiscard]] Result<ResolvedUser> resolve_user(const std::string& user, const std::vector<std::string>& group_add,
                                                const LayerStack& layers);

/// The pure half, with the texts of the two files.
[[nodiscard]] Result<ResolvedUser> resolve_user_in(const std::string& user, const std::vector<std::string>& group_add,
                                                   const std::string& passwd, const std::string& group);

}  // namespace berth::runtime
