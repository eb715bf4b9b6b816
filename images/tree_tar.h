#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "base/result.h"
#include "images/tar_writer.h"
#include "sys/fd.h"

namespace berth::images {

/// Adds the extended attributes of a file that a layer keeps, sorted by name. Error: names the entry; also where the
/// kernel has kept part of the content in a lower layer.
[[nodiscard]] Status read_xattrs(sys::FdRef file, TarEntry& entry);

/// What is to be other than the file has it.
struct TarChanges {
  std::optional<uid_t> uid;
  std::optional<gid_t> gid;
  std::function<mode_t(mode_t)> mode;   // permission bits; not asked for symbolic links
  std::optional<int64_t> latest_mtime;  // later times become this one, seconds since 1970
  bool no_xattrs = false;

  void apply_to(TarEntry& entry) const;
};

/// Puts files of the host into a tar, as layers have them: owner, mode, whole seconds of the modification time, the
/// attributes that a layer keeps, devices, FIFOs, and hard links among what is added. Sockets are left out. Nothing is
/// followed, and no device is opened, whatever a container does to the tree meanwhile: a file that goes away is left
/// out, one that changes its size while it is read is cut off or filled up with zeros.
class TreeTar {
 public:
  using Changes = TarChanges;
  explicit TreeTar(TarWriter& tar) : tar_(tar) {}

  /// The entry `name` of `parent` as `path` in the tar; of a directory not what is in it. False if it was left out.
  [[nodiscard]] Result<bool> add(sys::FdRef parent, const std::string& name, const std::string& path,
                                 const Changes& changes = {});

 private:
  [[nodiscard]] Status add_data(sys::FdRef file, TarEntry& entry);
  [[nodiscard]] Status copy(sys::FdRef file, uint64_t offset, uint64_t length);

  TarWriter& tar_;
  std::map<std::pair<dev_t, ino_t>, std::string> linked_;  // files with several names: the first one
};

/// What a container or a build step has changed as the tar of a layer: overlayfs's upper directory with whiteouts as
/// ".wh.NAME" and opaque directories as ".wh..wh..opq". Sorted by name, a directory before what is in it: the same tree
/// gives the same bytes. Ends with the tar's end mark. Error: names the file; also where the kernel has kept part of
/// the content in a lower layer (redirect_dir, metacopy).
[[nodiscard]] Status write_layer_diff(sys::FdRef upper, TarWriter& tar, const TreeTar::Changes& changes = {});

}  // namespace berth::images
