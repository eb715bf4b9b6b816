#include "volumes/copy_tree.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <map>
#include <string>

#include "base/text.h"
#include "sys/file.h"

namespace berth::volumes {
namespace {

using sys::FdRef;
using sys::UniqueFd;

Error copy_error(const std::string& path, const char* attempt, int code) {
  return sys_error(fmt::format("copy {}: {}", printable(path), attempt), code);
}

/// Overlayfs's own marks mean nothing outside a layer; the rest of "trusted." and SELinux labels belong to the host.
bool keeps_xattr(std::string_view name) {
  if (name.starts_with("user.overlay.")) return false;
  return name.starts_with("user.") || name == "security.capability" || name.starts_with("system.posix_acl_");
}

Status copy_xattrs(FdRef from, FdRef to, const std::string& path) {
  ssize_t length = flistxattr(from.get(), nullptr, 0);
  if (length <= 0)
    return length == 0 || errno == ENOTSUP ? Status() : Status(copy_error(path, "list attributes", errno));
  std::string names(static_cast<size_t>(length), '\0');
  length = flistxattr(from.get(), names.data(), names.size());
  if (length < 0) return copy_error(path, "list attributes", errno);
  names.resize(static_cast<size_t>(length));
  for (const std::string& name : split(names, '\0')) {
    if (!keeps_xattr(name)) continue;
    std::string value(XATTR_SIZE_MAX, '\0');
    ssize_t size = fgetxattr(from.get(), name.c_str(), value.data(), value.size());
    if (size < 0) return copy_error(path, "read attribute", errno);
    bool set = fsetxattr(to.get(), name.c_str(), value.data(), static_cast<size_t>(size), 0) == 0;
    if (!set && errno != ENOTSUP) return copy_error(path, "set attribute", errno);
  }
  return {};
}

/// chown(2) clears setuid bits and capabilities: owner first, times last.
Status copy_metadata(FdRef from, FdRef to, const std::string& path) {
  struct stat info {};
  if (fstat(from.get(), &info) != 0) return copy_error(path, "stat", errno);
  if (fchown(to.get(), info.st_uid, info.st_gid) != 0) return copy_error(path, "chown", errno);
  if (fchmod(to.get(), info.st_mode & 07777) != 0) return copy_error(path, "chmod", errno);
  BERTH_TRY_OK(copy_xattrs(from, to, path));
  timespec times[2] = {info.st_atim, info.st_mtim};
  if (futimens(to.get(), times) != 0) return copy_error(path, "set times", errno);
  return {};
}

Status copy_range(FdRef from, FdRef to, off_t begin, off_t end, const std::string& path) {
  off_t in = begin;
  off_t out = begin;
  while (in < end) {
    ssize_t n = copy_file_range(from.get(), &in, to.get(), &out, static_cast<size_t>(end - in), 0);
    if (n == 0) return {};
    if (n > 0 || errno == EINTR) continue;
    // Different file systems on an older kernel: by hand.
    if (errno != EXDEV && errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP)
      return copy_error(path, "copy data", errno);
    char buffer[64 * 1024];
    ssize_t got = pread(from.get(), buffer, std::min<size_t>(sizeof buffer, static_cast<size_t>(end - in)), in);
    if (got < 0) return copy_error(path, "read", errno);
    if (got == 0) return {};
    ssize_t put = pwrite(to.get(), buffer, static_cast<size_t>(got), out);
    if (put < 0) return copy_error(path, "write", errno);
    in += put;
    out += put;
  }
  return {};
}

/// Shares the extents where the file system can (FICLONE); else copies what is not a hole.
Status copy_data(FdRef from, FdRef to, off_t size, const std::string& path) {
  if (size == 0 || ioctl(to.get(), FICLONE, from.get()) == 0) return {};
  if (ftruncate(to.get(), size) != 0) return copy_error(path, "set size", errno);
  for (off_t at = 0; at < size;) {
    off_t data = lseek(from.get(), at, SEEK_DATA);
    if (data < 0 && errno == ENXIO) return {};  // only a hole is left
    off_t hole = data < 0 ? size : lseek(from.get(), data, SEEK_HOLE);
    if (data < 0) data = at;  // a file system that knows no holes
    if (hole < 0) hole = size;
    BERTH_TRY_OK(copy_range(from, to, data, hole, path));
    at = hole;
  }
  return {};
}

class TreeCopier {
 public:
  explicit TreeCopier(FdRef root) : root_(root) {}

  Status copy_directory(const MergedDir& source, FdRef target, const std::string& path) {
    BERTH_TRY(auto entries, source.entries());
    for (const MergedDir::Entry& entry : entries) {
      std::string below = path.empty() ? entry.name : path + "/" + entry.name;
      BERTH_TRY_OK(copy_entry(source, entry, target, below));
    }
    // After its children, since making them changes its times.
    return copy_metadata(source.top(), target, path.empty() ? "." : path);
  }

 private:
  Status copy_entry(const MergedDir& source, const MergedDir::Entry& entry, FdRef target, const std::string& path) {
    if (!S_ISDIR(entry.info.st_mode) && entry.info.st_nlink > 1) {
      BERTH_TRY(bool linked, link_to_copy(entry, target, path));
      if (linked) return {};
    }
    switch (entry.info.st_mode & S_IFMT) {
      case S_IFDIR:
        return copy_child(source, entry, target, path);
      case S_IFREG:
        return copy_file(source, entry, target, path);
      case S_IFLNK:
        return copy_link(source, entry, target, path);
      case S_IFSOCK:
        return {};  // nobody listens in a copy
      default:
        return copy_node(entry, target, path);
    }
  }

  /// Names of one file in the source are names of one file in the copy.
  Result<bool> link_to_copy(const MergedDir::Entry& entry, FdRef target, const std::string& path) {
    auto [known, first] = copied_.emplace(std::pair(entry.info.st_dev, entry.info.st_ino), path);
    if (first) return false;
    if (linkat(root_.get(), known->second.c_str(), target.get(), entry.name.c_str(), 0) != 0)
      return copy_error(path, "link", errno);
    return true;
  }

  Status copy_child(const MergedDir& source, const MergedDir::Entry& entry, FdRef target, const std::string& path) {
    BERTH_TRY(MergedDir below, source.child(entry));
    if (mkdirat(target.get(), entry.name.c_str(), 0700) != 0) return copy_error(path, "mkdir", errno);
    BERTH_TRY(UniqueFd made, sys::open_at(target, entry.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    return copy_directory(below, made.ref(), path);
  }

  Status copy_file(const MergedDir& source, const MergedDir::Entry& entry, FdRef target, const std::string& path) {
    BERTH_TRY(UniqueFd from, sys::open_at(source.home(entry), entry.name, O_RDONLY | O_NOFOLLOW));
    BERTH_TRY(UniqueFd to, sys::open_at(target, entry.name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
    BERTH_TRY_OK(copy_data(from.ref(), to.ref(), entry.info.st_size, path));
    return copy_metadata(from.ref(), to.ref(), path);
  }

  Status copy_link(const MergedDir& source, const MergedDir::Entry& entry, FdRef target, const std::string& path) {
    std::string text(PATH_MAX, '\0');
    ssize_t n = readlinkat(source.home(entry).get(), entry.name.c_str(), text.data(), text.size());
    if (n < 0) return copy_error(path, "read link", errno);
    text.resize(static_cast<size_t>(n));
    if (symlinkat(text.c_str(), target.get(), entry.name.c_str()) != 0) return copy_error(path, "symlink", errno);
    return own_and_date(entry, target, path);
  }

  Status copy_node(const MergedDir::Entry& entry, FdRef target, const std::string& path) {
    if (mknodat(target.get(), entry.name.c_str(), (entry.info.st_mode & S_IFMT) | 0600, entry.info.st_rdev) != 0) {
      return copy_error(path, "mknod", errno);
    }
    BERTH_TRY_OK(own_and_date(entry, target, path));
    // Made by us a moment ago in a directory that nobody else can reach: there is no link to follow.
    if (fchmodat(target.get(), entry.name.c_str(), entry.info.st_mode & 07777, 0) != 0)
      return copy_error(path, "chmod", errno);
    return {};
  }

  static Status own_and_date(const MergedDir::Entry& entry, FdRef target, const std::string& path) {
    const char* name = entry.name.c_str();
    if (fchownat(target.get(), name, entry.info.st_uid, entry.info.st_gid, AT_SYMLINK_NOFOLLOW) != 0) {
      return copy_error(path, "chown", errno);
    }
    timespec times[2] = {entry.info.st_atim, entry.info.st_mtim};
    if (utimensat(target.get(), name, times, AT_SYMLINK_NOFOLLOW) != 0) return copy_error(path, "set times", errno);
    return {};
  }

  FdRef root_;
  std::map<std::pair<dev_t, ino_t>, std::string> copied_;  // files with several names → the path of the copy
};

}  // namespace

Status copy_tree(const MergedDir& source, FdRef target) {
  return TreeCopier(target).copy_directory(source, target, "");
}

}  // namespace berth::volumes
