#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace berth::dockerfile {

/// A git repository somewhere on a network, and what of it is meant.
struct GitRemote {
  std::string url;       // https://HOST/PATH, http://, ssh://, git://, or USER@HOST:PATH
  std::string ref;       // branch, tag, full name of a reference, or commit; empty: the default branch
  std::string subdir;    // clean; empty: all of it
  std::string checksum;  // the commit that it must be, at least seven digits of it; empty: any
  bool submodules = true;
  std::optional<bool> keep_git_dir;
  bool maybe_local = false;  // "github.com/…" may as well be a directory

  /// The address without a password in it, for messages.
  [[nodiscard]] std::string shown() const;
};

/// "URL#REF:DIRECTORY" or "URL?ref=…&subdir=…", where an http address is that of a repository only if it ends in
/// ".git". Nothing if the text names something else (a path, a file to download). Error: the part behind the address
/// makes no sense.
[[nodiscard]] Result<std::optional<GitRemote>> parse_git_remote(std::string_view text);

/// Whether git may go there: an address of a network, never a file of this machine.
[[nodiscard]] bool is_git_address(std::string_view url);

/// Whether a context is somewhere else than in a directory: a repository, or something to download.
[[nodiscard]] bool is_remote_context(std::string_view text);

/// Whether ADD takes its source from a network.
[[nodiscard]] bool is_remote_source(std::string_view text);

/// "http://…" or "https://…".
[[nodiscard]] bool is_http(std::string_view text);

}  // namespace berth::dockerfile
