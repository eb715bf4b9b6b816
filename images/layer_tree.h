#pragma once

#include <sys/stat.h>

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "images/layer_unpack.h"
#include "images/tar_reader.h"
#include "sys/fd.h"

namespace berth::images {

/// The name of a tar entry as a path inside the root: no "." and "..", no slash at either end; "" is the root itself.
/// Error: empty, NUL, longer than PATH_MAX, or leading above the root.
[[nodiscard]] Result<std::string> clean_entry_name(std::string_view name);

/// Whether a layer may bring the attribute along: users' own, file capabilities and ACLs. The rest is the host's
/// (security.selinux) or overlayfs's own (trusted.*, user.overlay.*).
[[nodiscard]] bool keeps_xattr(std::string_view name);

/// A layer's tree while it is being unpacked: applies tar entries one by one inside `root`.
///
/// Every parent directory is opened by openat2 inside the root; the last component is made with O_EXCL or the like and
/// never followed. Owner, mode and times of directories are set in finish(), since making children changes times.
class LayerTree {
 public:
  using ReadData = std::function<Result<std::string_view>()>;

  LayerTree(sys::FdRef root, const UnpackOptions& options) : root_(root), options_(options) {}

  /// `data` gives the stored bytes of a file. Error: names the entry.
  [[nodiscard]] Status apply(const TarEntry& entry, const ReadData& data);
  [[nodiscard]] Status finish();

  [[nodiscard]] std::vector<std::string> take_notes() { return std::move(notes_); }

 private:
  /// Where an entry goes: an open parent directory and one name in it.
  struct Place {
    sys::FdRef parent{-1};
    std::string name;
    const char* base() const { return name.c_str(); }
  };

  [[nodiscard]] Result<Place> locate(const std::string& path);
  [[nodiscard]] Result<sys::UniqueFd> open_parent(const std::string& path);
  [[nodiscard]] Status make_missing(const std::string& path);
  [[nodiscard]] Status clear(const Place& place);

  [[nodiscard]] Status apply_whiteout(const std::string& path, std::string_view marker);
  [[nodiscard]] Status apply_directory(const std::string& path, const TarEntry& entry);
  [[nodiscard]] Status make_directory(const Place& place);
  [[nodiscard]] Status apply_file(const Place& place, const TarEntry& entry, const ReadData& data);
  [[nodiscard]] Status apply_symlink(const Place& place, const TarEntry& entry);
  [[nodiscard]] Status apply_node(const Place& place, const TarEntry& entry);
  [[nodiscard]] Status apply_hard_link(const std::string& path, const TarEntry& entry);

  [[nodiscard]] Status mark_opaque(sys::FdRef dir);
  [[nodiscard]] Status set_xattrs(sys::FdRef fd, const TarEntry& entry);
  [[nodiscard]] Status set_metadata(sys::FdRef fd, const TarEntry& entry);
  void note(std::string text);

  sys::FdRef root_;
  const UnpackOptions& options_;
  std::map<std::string, TarEntry> directories_;  // metadata for finish()
  std::string cached_parent_;
  sys::UniqueFd cached_fd_;  // of cached_parent_; tars list siblings together
  std::vector<std::string> notes_;
};

}  // namespace berth::images
