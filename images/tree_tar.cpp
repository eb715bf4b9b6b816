#include "images/tree_tar.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <optional>

#include "base/text.h"
#include "images/layer_tree.h"
#include "sys/directory.h"
#include "sys/file.h"

namespace berth::images {
namespace {

using sys::FdRef;
using sys::UniqueFd;

/// Holes are expanded, as Docker does, since Docker cannot save again what it has loaded with holes (tar-split). Only
/// where they are so large that nobody would want the zeros they are kept.
constexpr uint64_t kLargeHoles = uint64_t{16} << 20;

Error file_error(const std::string& path, const char* attempt, int code) {
  return sys_error(fmt::format("{} {}", attempt, printable(path)), code);
}

std::optional<TarType> type_of(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return TarType::file;
    case S_IFDIR:
      return TarType::directory;
    case S_IFLNK:
      return TarType::symlink;
    case S_IFCHR:
      return TarType::char_device;
    case S_IFBLK:
      return TarType::block_device;
    case S_IFIFO:
      return TarType::fifo;
    default:
      return std::nullopt;
  }
}

TarEntry entry_of(const std::string& path, const struct stat& info, TarType type) {
  TarEntry entry;
  entry.type = type;
  entry.name = path;
  entry.mode = info.st_mode & 07777;
  entry.uid = info.st_uid;
  entry.gid = info.st_gid;
  entry.mtime = std::max<int64_t>(info.st_mtim.tv_sec, 0);
  if (type == TarType::file) entry.size = static_cast<uint64_t>(info.st_size);
  if (type == TarType::char_device || type == TarType::block_device) {
    entry.device_major = major(info.st_rdev);
    entry.device_minor = minor(info.st_rdev);
  }
  return entry;
}

Result<std::string> link_target(FdRef link, const std::string& path) {
  char target[PATH_MAX];
  ssize_t n = readlinkat(link.get(), "", target, sizeof target);
  if (n < 0) return file_error(path, "read link", errno);
  return std::string(target, static_cast<size_t>(n));
}

Result<std::string> xattr_value(FdRef file, const std::string& path, const std::string& name) {
  ssize_t size = fgetxattr(file.get(), name.c_str(), nullptr, 0);
  std::string value(static_cast<size_t>(std::max<ssize_t>(size, 0)), '\0');
  if (size > 0) size = fgetxattr(file.get(), name.c_str(), value.data(), value.size());
  if (size < 0) return file_error(path, ("read attribute " + printable(name) + " of").c_str(), errno);
  value.resize(static_cast<size_t>(size));
  return value;
}

/// Where the data of a sparse file lies; nothing where it is better written in full.
std::vector<TarEntry::Segment> data_segments(FdRef file, uint64_t size) {
  std::vector<TarEntry::Segment> segments;
  for (uint64_t at = 0; at < size;) {
    off_t begin = lseek(file.get(), static_cast<off_t>(at), SEEK_DATA);
    if (begin < 0) break;  // ENXIO: only a hole is left
    off_t end = lseek(file.get(), begin, SEEK_HOLE);
    if (end < 0) break;
    auto stop = std::min(static_cast<uint64_t>(end), size);
    if (static_cast<uint64_t>(begin) >= stop) break;
    segments.push_back({static_cast<uint64_t>(begin), stop - static_cast<uint64_t>(begin)});
    at = stop;
  }
  return segments;
}

bool has_large_holes(const struct stat& info) {
  auto stored = static_cast<uint64_t>(info.st_blocks) * 512;
  return stored + kLargeHoles < static_cast<uint64_t>(info.st_size);
}

bool is_whiteout(const struct stat& info) {
  return S_ISCHR(info.st_mode) && info.st_rdev == makedev(0, 0);
}

bool is_opaque(FdRef dir) {
  char value = 0;
  for (const char* name : {"trusted.overlay.opaque", "user.overlay.opaque"}) {
    if (fgetxattr(dir.get(), name, &value, 1) == 1 && value == 'y') return true;
  }
  return false;
}

/// What a directory that we have just seen says when the container took it away.
bool is_gone(int code) {
  return code == ENOENT || code == ENOTDIR || code == ELOOP;
}

/// An empty file that says what the layer hides; of the year 1970, since overlayfs keeps no time of a removal.
Status add_marker(TarWriter& tar, const std::string& path) {
  return tar.file(path, "");
}

Status write_directory(FdRef dir, const std::string& prefix, TreeTar& tree, TarWriter& tar,
                       const TreeTar::Changes& changes) {
  if (prefix.size() >= PATH_MAX) return file_error(prefix.substr(0, 200) + "…", "walk", ENAMETOOLONG);
  BERTH_TRY(std::vector<std::string> names, sys::names_in(dir).context("{}", printable(prefix)));
  for (const std::string& name : names) {
    struct stat info {};
    std::string path = prefix + name;
    if (fstatat(dir.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) continue;
      return file_error(path, "stat", errno);
    }
    if (is_whiteout(info)) {
      BERTH_TRY_OK(add_marker(tar, prefix + ".wh." + name));
      continue;
    }
    BERTH_TRY(bool added, tree.add(dir, name, path, changes));
    if (!added || !S_ISDIR(info.st_mode)) continue;
    Result<UniqueFd> child = sys::open_at(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!child && is_gone(child.error().code)) continue;
    if (!child) return std::move(child).error();
    if (is_opaque(child->ref())) BERTH_TRY_OK(add_marker(tar, path + "/.wh..wh..opq"));
    BERTH_TRY_OK(write_directory(child->ref(), path + "/", tree, tar, changes));
  }
  return {};
}

}  // namespace

Status read_xattrs(FdRef file, TarEntry& entry) {
  ssize_t size = flistxattr(file.get(), nullptr, 0);
  std::string names(static_cast<size_t>(std::max<ssize_t>(size, 0)), '\0');
  if (size > 0) size = flistxattr(file.get(), names.data(), names.size());
  if (size < 0) return errno == ENOTSUP ? Status() : file_error(entry.name, "list attributes of", errno);
  std::vector<std::string> sorted = split({names.data(), static_cast<size_t>(size)}, '\0');
  std::sort(sorted.begin(), sorted.end());
  for (const std::string& name : sorted) {
    if (name == "trusted.overlay.redirect" || name == "trusted.overlay.metacopy") {
      return make_error(fmt::format("{}: part of it is kept in a lower layer ({})", printable(entry.name), name),
                        "overlayfs must run without redirect_dir and metacopy");
    }
    if (name.empty() || !keeps_xattr(name)) continue;
    BERTH_TRY(std::string value, xattr_value(file, entry.name, name));
    entry.xattrs.emplace_back(name, std::move(value));
  }
  return {};
}

void TarChanges::apply_to(TarEntry& entry) const {
  if (uid) entry.uid = *uid;
  if (gid) entry.gid = *gid;
  if (mode && entry.type != TarType::symlink) entry.mode = mode(entry.mode) & 07777;
  if (latest_mtime) entry.mtime = std::min(entry.mtime, *latest_mtime);
}

Result<bool> TreeTar::add(FdRef parent, const std::string& name, const std::string& path, const Changes& changes) {
  // By O_PATH first: what it is decides whether it may be opened at all.
  Result<UniqueFd> at = sys::open_at(parent, name, O_PATH | O_NOFOLLOW);
  if (!at && at.error().code == ENOENT) return false;
  if (!at) return std::move(at).error();
  struct stat info {};
  if (fstat(at->get(), &info) != 0) return file_error(path, "stat", errno);
  std::optional<TarType> type = type_of(info.st_mode);
  if (!type) return false;
  TarEntry entry = entry_of(path, info, *type);
  changes.apply_to(entry);
  if (*type == TarType::symlink) {
    BERTH_TRY(entry.link_name, link_target(at->ref(), path));
  }
  if (*type == TarType::file && info.st_nlink > 1) {
    auto [first, is_new] = linked_.try_emplace({info.st_dev, info.st_ino}, path);
    if (!is_new) {
      entry.type = TarType::hard_link;
      entry.link_name = first->second;
      entry.size = 0;
      BERTH_TRY_OK(tar_.entry(entry));
      return true;
    }
  }
  if (*type != TarType::file && *type != TarType::directory) {
    BERTH_TRY_OK(tar_.entry(entry));
    return true;
  }
  BERTH_TRY(UniqueFd file,
            sys::open_file(fmt::format("/proc/self/fd/{}", at->get()), O_RDONLY).context("{}", printable(path)));
  if (!changes.no_xattrs) BERTH_TRY_OK(read_xattrs(file.ref(), entry));
  if (*type == TarType::directory) {
    BERTH_TRY_OK(tar_.entry(entry));
    return true;
  }
  entry.sparse = has_large_holes(info);
  if (entry.sparse) entry.segments = data_segments(file.ref(), entry.size);
  BERTH_TRY_OK(add_data(file.ref(), entry));
  return true;
}

Status TreeTar::add_data(FdRef file, TarEntry& entry) {
  BERTH_TRY_OK(tar_.entry(entry));
  if (!entry.sparse) return copy(file, 0, entry.size).context("{}", printable(entry.name));
  for (const TarEntry::Segment& segment : entry.segments)
    BERTH_TRY_OK(copy(file, segment.offset, segment.length).context("{}", printable(entry.name)));
  return {};
}

Status TreeTar::copy(FdRef file, uint64_t offset, uint64_t length) {
  char buffer[128 * 1024];
  while (length > 0) {
    size_t wanted = static_cast<size_t>(std::min<uint64_t>(length, sizeof buffer));
    ssize_t n = pread(file.get(), buffer, wanted, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return sys_error("read", errno);
    if (n == 0) {  // shorter by now than when its size was told
      std::fill_n(buffer, wanted, '\0');
      n = static_cast<ssize_t>(wanted);
    }
    BERTH_TRY_OK(tar_.data({buffer, static_cast<size_t>(n)}));
    offset += static_cast<uint64_t>(n);
    length -= static_cast<uint64_t>(n);
  }
  return {};
}

Status write_layer_diff(FdRef upper, TarWriter& tar, const TreeTar::Changes& changes) {
  TreeTar tree(tar);
  BERTH_TRY_OK(write_directory(upper, "", tree, tar, changes));
  return tar.finish();
}

}  // namespace berth::images
