#include "images/layer_adopt.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "base/text.h"
#include "images/blob_writer.h"
#include "images/commit.h"
#include "images/tree_tar.h"
#include "sys/directory.h"
#include "sys/file.h"

namespace berth::images {
namespace {

using sys::FdRef;
using sys::UniqueFd;

/// Makes of an upper directory the tree that its tar would be unpacked to.
class Tidying {
 public:
  explicit Tidying(std::optional<int64_t> latest_mtime) : latest_mtime_(latest_mtime) {}

  /// The tar says nothing of the root itself.
  Status root(FdRef dir) const {
    if (fchown(dir.get(), 0, 0) != 0 || fchmod(dir.get(), 0755) != 0) return sys_error("set the owner", errno);
    BERTH_TRY_OK(strip(fmt::format("/proc/self/fd/{}/.", dir.get()), [](std::string_view name) {
      return name.starts_with("trusted.") || name.starts_with("user.") || name.starts_with("system.");
    }));
    return directory(dir);
  }

 private:
  [[nodiscard]] Status directory(FdRef dir) const {
    BERTH_TRY(std::vector<std::string> names, sys::names_in(dir));
    for (const std::string& name : names) BERTH_TRY_OK(entry(dir, name).context("{}", printable(name)));
    return {};
  }

  [[nodiscard]] Status entry(FdRef dir, const std::string& name) const {
    struct stat info {};
    if (fstatat(dir.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return sys_error("stat", errno);
    if (S_ISCHR(info.st_mode) && info.st_rdev == makedev(0, 0)) return {};  // a whiteout
    if (S_ISSOCK(info.st_mode))
      return unlinkat(dir.get(), name.c_str(), 0) == 0 ? Status() : sys_error("remove", errno);
    // By way of the directory, since a symbolic link cannot be opened.
    BERTH_TRY_OK(strip(fmt::format("/proc/self/fd/{}/{}", dir.get(), name), is_overlays_own));
    if (S_ISDIR(info.st_mode)) {
      BERTH_TRY(UniqueFd child, sys::open_at(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
      BERTH_TRY_OK(directory(child.ref()));
    }
    // After what is in it: removing a socket has changed the time.
    int64_t seconds = std::max<int64_t>(info.st_mtim.tv_sec, 0);
    if (latest_mtime_) seconds = std::min(seconds, *latest_mtime_);
    timespec times[2] = {{seconds, 0}, {seconds, 0}};
    if (utimensat(dir.get(), name.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) return sys_error("set times", errno);
    return {};
  }

  /// What overlayfs notes of a file in an upper directory (where it was copied from, how many links it had below) would
  /// be about another place from now on. That a directory is opaque stays.
  static bool is_overlays_own(std::string_view name) {
    return (name.starts_with("trusted.") || name.starts_with("user.overlay.")) && !name.ends_with(".overlay.opaque");
  }

  static Status strip(const std::string& path, bool (*unwanted)(std::string_view name)) {
    ssize_t size = llistxattr(path.c_str(), nullptr, 0);
    std::string names(static_cast<size_t>(std::max<ssize_t>(size, 0)), '\0');
    if (size > 0) size = llistxattr(path.c_str(), names.data(), names.size());
    if (size < 0) return errno == ENOTSUP ? Status() : sys_error("list attributes", errno);
    for (const std::string& name : split({names.data(), static_cast<size_t>(size)}, '\0')) {
      if (name.empty() || !unwanted(name)) continue;
      if (lremovexattr(path.c_str(), name.c_str()) != 0) return sys_error("remove attribute " + printable(name), errno);
    }
    return {};
  }

  std::optional<int64_t> latest_mtime_;
};

/// A directory of the store that is gone with this unless it has been placed.
class Nest {
 public:
  static Result<Nest> make(const Store& store) {
    Nest nest(store.directory() + "/layers/.tmp-" + sys::random_hex(8));
    BERTH_TRY_OK(sys::make_dirs(nest.path_, 0700));  // another user must not reach setuid files (CVE-2021-41091)
    return nest;
  }
  Nest(Nest&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  Nest& operator=(Nest&&) = delete;
  ~Nest() {
    if (!path_.empty()) (void)sys::remove_tree(path_);  // what stays, the next import sweeps
  }
  [[nodiscard]] const std::string& path() const { return path_; }

  Status place(const std::string& target) {
    if (rename(path_.c_str(), target.c_str()) == 0) {
      path_.clear();
      return {};
    }
    if (errno == EEXIST || errno == ENOTEMPTY) return {};  // somebody else has made the same: as good as ours
    return sys_error("rename to " + target, errno);
  }

 private:
  explicit Nest(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

bool on_one_file_system(FdRef dir, const std::string& other) {
  struct stat here {
  }, there{};
  return fstat(dir.get(), &here) == 0 && stat(other.c_str(), &there) == 0 && here.st_dev == there.st_dev;
}

/// Both the tar's blob and the tree are complete under their names only after this.
Status place_tree(const Store& store, FdRef dir, const std::string& upper, const Digest& diff_id) {
  BERTH_TRY(Nest nest, Nest::make(store));
  std::string tree = nest.path() + "/fs";
  if (rename(upper.c_str(), tree.c_str()) != 0) return sys_error("rename to " + tree, errno);
  BERTH_TRY_OK(sys::sync_filesystem(dir).context("{}", tree));
  return nest.place(store.directory() + "/layers/" + diff_id.hex());
}

}  // namespace

Result<StoredLayer> adopt_layer_diff(const Store& store, const ImportLease& lease, const std::string& upper,
                                     std::optional<int64_t> latest_mtime) {
  TreeTar::Changes changes;
  changes.latest_mtime = latest_mtime;
  BERTH_TRY(UniqueFd dir, sys::open_file(upper, O_RDONLY | O_DIRECTORY));
  if (!on_one_file_system(dir.ref(), store.directory() + "/layers"))
    return store_layer_diff(store, lease, dir.ref(), changes);
  BERTH_TRY(BlobWriter blob, BlobWriter::begin(store, lease));
  TarWriter tar([&](std::string_view bytes) { return blob.write(bytes); });
  BERTH_TRY_OK(write_layer_diff(dir.ref(), tar, changes));
  uint64_t size = blob.size();
  BERTH_TRY(Digest diff_id, blob.commit());  // nothing compresses it: blob and tar are one
  if (!store.has_layer(diff_id)) {
    BERTH_TRY_OK(Tidying(latest_mtime).root(dir.ref()));
    BERTH_TRY_OK(place_tree(store, dir.ref(), upper, diff_id));
  }
  return StoredLayer{Descriptor{std::string(kMediaLayer), diff_id, size, {}, std::nullopt}, diff_id, {}};
}

}  // namespace berth::images
