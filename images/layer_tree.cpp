#include "images/layer_tree.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "base/text.h"
#include "sys/file.h"

namespace berth::images {
namespace {

using sys::FdRef;
using sys::UniqueFd;

constexpr std::string_view kWhiteout = ".wh.";
constexpr std::string_view kOpaque = ".wh..wh..opq";
constexpr std::string_view kAufsLeftover = ".wh..wh.";
constexpr size_t kMaxNotes = 100;
constexpr int64_t kLatest = 253402300799;  // the end of the year 9999; file systems clamp further by themselves

Error entry_error(std::string_view name, const char* attempt, int code) {
  return sys_error(fmt::format("layer entry {}: {}", printable(name), attempt), code);
}

std::string parent_of(const std::string& path) {
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

std::string base_of(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

timespec entry_time(const TarEntry& entry) {
  if (entry.mtime < 0) return {0, 0};
  if (entry.mtime > kLatest) return {kLatest, 0};
  return {entry.mtime, static_cast<long>(entry.mtime_ns)};
}

/// Both times are set, so that unpacking twice gives the same tree.
Status set_times(FdRef dir, const char* name, const TarEntry& entry) {
  timespec times[2] = {entry_time(entry), entry_time(entry)};
  int result = name == nullptr ? futimens(dir.get(), times) : utimensat(dir.get(), name, times, AT_SYMLINK_NOFOLLOW);
  if (result != 0) return entry_error(entry.name, "set times", errno);
  return {};
}

Status check_owner(const TarEntry& entry) {
  // (uid_t)-1 means "leave it" to chown(2) and is nobody's id.
  if (entry.uid < UINT32_MAX && entry.gid < UINT32_MAX) return {};
  return make_error(
      fmt::format("layer entry {}: owner {}:{} is out of range", printable(entry.name), entry.uid, entry.gid));
}

bool is_whiteout(const struct stat& info) {
  return S_ISCHR(info.st_mode) && info.st_rdev == makedev(0, 0);
}

Status write_segments(FdRef fd, const TarEntry& entry, const LayerTree::ReadData& data) {
  if (ftruncate(fd.get(), static_cast<off_t>(entry.size)) != 0) return entry_error(entry.name, "set size", errno);
  std::string_view bytes;
  for (const TarEntry::Segment& segment : entry.segments) {
    for (uint64_t done = 0; done < segment.length;) {
      if (bytes.empty()) {
        BERTH_TRY(bytes, data());
        if (bytes.empty()) return make_error(fmt::format("layer entry {}: ends too early", printable(entry.name)));
      }
      size_t length = static_cast<size_t>(std::min<uint64_t>(bytes.size(), segment.length - done));
      ssize_t n = pwrite(fd.get(), bytes.data(), length, static_cast<off_t>(segment.offset + done));
      if (n < 0) return entry_error(entry.name, "write", errno);
      done += static_cast<uint64_t>(n);
      bytes.remove_prefix(static_cast<size_t>(n));
    }
  }
  return {};
}

Status write_plain(FdRef fd, const TarEntry& entry, const LayerTree::ReadData& data) {
  for (;;) {
    BERTH_TRY(std::string_view bytes, data());
    if (bytes.empty()) return {};
    if (Status written = sys::write_all(fd, bytes); !written)
      return entry_error(entry.name, "write", written.error().code);
  }
}

}  // namespace

bool keeps_xattr(std::string_view name) {
  if (name.starts_with("user.overlay.")) return false;
  return name.starts_with("user.") || name == "security.capability" || name.starts_with("system.posix_acl_");
}

Result<std::string> clean_entry_name(std::string_view name) {
  auto refuse = [&](const char* why) {
    return make_error(fmt::format("layer entry \"{}\": {}", printable(name.substr(0, 200)), why));
  };
  if (name.empty()) return refuse("the name is empty");
  if (name.size() >= PATH_MAX) return refuse("the name is too long");
  if (name.find('\0') != std::string_view::npos) return refuse("the name has a NUL byte");
  std::vector<std::string> parts;
  for (std::string& part : split(name, '/')) {
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      parts.push_back(std::move(part));
    } else if (parts.empty()) {
      return refuse("the name leads out of the layer");
    } else {
      parts.pop_back();
    }
  }
  return join(parts, "/");
}

Status LayerTree::apply(const TarEntry& entry, const ReadData& data) {
  BERTH_TRY(std::string path, clean_entry_name(entry.name));
  std::string base = base_of(path);
  if (base.starts_with(kWhiteout) && !options_.plain) return apply_whiteout(path, base);
  BERTH_TRY_OK(check_owner(entry));
  if (entry.type == TarType::directory) return apply_directory(path, entry);
  if (path.empty()) {
    // CVE-2021-29136: the root stays a directory, whatever the tar wants it to be.
    return make_error(fmt::format("layer entry \"{}\": the root can only be a directory", printable(entry.name)));
  }
  if (entry.type == TarType::hard_link) return apply_hard_link(path, entry);
  BERTH_TRY(Place place, locate(path));
  switch (entry.type) {
    case TarType::file:
      return apply_file(place, entry, data);
    case TarType::symlink:
      return apply_symlink(place, entry);
    default:
      return apply_node(place, entry);
  }
}

Status LayerTree::finish() {
  for (const auto& [path, entry] : directories_) {
    auto fd = sys::open_in_root(root_, path.empty() ? "." : path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    // A later entry put something else in its place.
    if (!fd && (fd.error().code == ENOENT || fd.error().code == ENOTDIR || fd.error().code == ELOOP)) continue;
    if (!fd) return std::move(fd).error();
    BERTH_TRY_OK(set_metadata(fd->ref(), entry));
  }
  return {};
}

Result<LayerTree::Place> LayerTree::locate(const std::string& path) {
  std::string parent = parent_of(path);
  if (!cached_fd_.valid() || parent != cached_parent_) {
    BERTH_TRY(cached_fd_, open_parent(parent));
    cached_parent_ = parent;
  }
  return Place{cached_fd_.ref(), base_of(path)};
}

Result<UniqueFd> LayerTree::open_parent(const std::string& path) {
  std::string relative = path.empty() ? "." : path;
  auto fd = sys::open_in_root(root_, relative, O_RDONLY | O_DIRECTORY);
  if (fd || (fd.error().code != ENOENT && fd.error().code != ENOTDIR)) return fd;
  BERTH_TRY_OK(make_missing(path));
  return sys::open_in_root(root_, relative, O_RDONLY | O_DIRECTORY);
}

/// mkdir -p inside the root. What is no directory (a file, a whiteout, a dangling link) gives way to one, as a tar that
/// lists children below it means it.
Status LayerTree::make_missing(const std::string& path) {
  UniqueFd here;
  for (size_t end = 0; end != std::string::npos;) {
    end = path.find('/', end + 1);
    std::string prefix = path.substr(0, end);
    auto next = sys::open_in_root(root_, prefix, O_RDONLY | O_DIRECTORY);
    if (!next) {
      Place place{here.valid() ? here.ref() : root_, base_of(prefix)};
      BERTH_TRY_OK(make_directory(place));
      // What the tar does not mention gets the usual mode.
      if (fchmodat(place.parent.get(), place.base(), 0755, 0) != 0) return entry_error(prefix, "chmod", errno);
      next = sys::open_in_root(root_, prefix, O_RDONLY | O_DIRECTORY);
    }
    if (!next) return std::move(next).error();
    here = std::move(next).value();
  }
  return {};
}

/// Makes room for an entry that is no directory: the last of several entries wins.
Status LayerTree::clear(const Place& place) {
  if (unlinkat(place.parent.get(), place.base(), 0) == 0 || errno == ENOENT) {
    // It may have been a link through which the cached directory was reached; `place.parent` stays open for this entry.
    return {};
  }
  if (errno != EISDIR && errno != EPERM) return entry_error(place.name, "replace", errno);
  if (options_.plain) return make_error("cannot overwrite directory " + printable(place.name) + " with non-directory");
  return sys::remove_tree_at(place.parent, place.name);
}

Status LayerTree::apply_whiteout(const std::string& path, std::string_view marker) {
  BERTH_TRY(Place place, locate(path));
  if (marker == kOpaque) return mark_opaque(place.parent);
  if (marker.starts_with(kAufsLeftover) && marker.size() > kAufsLeftover.size())
    return {};  // .wh..wh.plnk and the like
  std::string name(marker.substr(kWhiteout.size()));
  if (name.empty() || name == "." || name == "..") {
    return make_error(fmt::format("layer entry {}: a whiteout of nothing", printable(path)));
  }
  // It hides what lower layers have there, never what this layer has, whichever comes first in the tar.
  struct stat info {};
  if (fstatat(place.parent.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) {
    if (!S_ISDIR(info.st_mode)) return {};
    BERTH_TRY(UniqueFd dir, sys::open_at(place.parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    return mark_opaque(dir.ref());
  }
  // Device 0:0 is overlayfs's whiteout; making it needs no privilege.
  if (mknodat(place.parent.get(), name.c_str(), S_IFCHR, makedev(0, 0)) != 0)
    return entry_error(path, "make whiteout", errno);
  return {};
}

Status LayerTree::apply_directory(const std::string& path, const TarEntry& entry) {
  if (!path.empty()) {
    BERTH_TRY(Place place, locate(path));
    BERTH_TRY_OK(make_directory(place));
  }
  directories_.insert_or_assign(path, entry);
  return {};
}

Status LayerTree::make_directory(const Place& place) {
  if (mkdirat(place.parent.get(), place.base(), 0700) == 0) return {};
  if (errno != EEXIST) return entry_error(place.name, "mkdir", errno);
  struct stat info {};
  if (fstatat(place.parent.get(), place.base(), &info, AT_SYMLINK_NOFOLLOW) != 0)
    return entry_error(place.name, "stat", errno);
  if (S_ISDIR(info.st_mode)) return {};
  if (options_.plain) return make_error("cannot overwrite non-directory " + printable(place.name) + " with directory");
  if (unlinkat(place.parent.get(), place.base(), 0) != 0) return entry_error(place.name, "replace", errno);
  if (mkdirat(place.parent.get(), place.base(), 0700) != 0) return entry_error(place.name, "mkdir", errno);
  if (!is_whiteout(info)) return {};
  BERTH_TRY(UniqueFd dir, sys::open_at(place.parent, place.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  return mark_opaque(dir.ref());
}

Status LayerTree::apply_file(const Place& place, const TarEntry& entry, const ReadData& data) {
  constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
  auto fd = sys::open_at(place.parent, place.name, kFlags, 0600);
  if (!fd && fd.error().code == EEXIST) {
    BERTH_TRY_OK(clear(place));
    fd = sys::open_at(place.parent, place.name, kFlags, 0600);
  }
  if (!fd) return entry_error(entry.name, "create", fd.error().code);
  BERTH_TRY_OK(entry.sparse ? write_segments(fd->ref(), entry, data) : write_plain(fd->ref(), entry, data));
  return set_metadata(fd->ref(), entry);
}

Status LayerTree::apply_symlink(const Place& place, const TarEntry& entry) {
  if (entry.link_name.empty())
    return make_error(fmt::format("layer entry {}: an empty symbolic link", printable(entry.name)));
  BERTH_TRY_OK(clear(place));
  if (symlinkat(entry.link_name.c_str(), place.parent.get(), place.base()) != 0)
    return entry_error(entry.name, "symlink", errno);
  if (!entry.xattrs.empty()) note(fmt::format("{}: attributes of a symbolic link left out", printable(entry.name)));
  auto owner = [&] {
    return fchownat(place.parent.get(), place.base(), static_cast<uid_t>(entry.uid), static_cast<gid_t>(entry.gid),
                    AT_SYMLINK_NOFOLLOW);
  };
  if (!options_.rootless && owner() != 0) return entry_error(entry.name, "chown", errno);
  return set_times(place.parent, place.base(), entry);
}

Status LayerTree::apply_node(const Place& place, const TarEntry& entry) {
  mode_t kind = entry.type == TarType::fifo ? S_IFIFO : entry.type == TarType::char_device ? S_IFCHR : S_IFBLK;
  dev_t device = 0;
  if (kind != S_IFIFO) {
    // The kernel keeps 12 bits of major and 20 of minor and would silently drop the rest: another device.
    if (entry.device_major > 0xFFF || entry.device_minor > 0xFFFFF) {
      return make_error(fmt::format("layer entry {}: device number {}:{} is out of range", printable(entry.name),
                                    entry.device_major, entry.device_minor));
    }
    device = makedev(static_cast<unsigned>(entry.device_major), static_cast<unsigned>(entry.device_minor));
    bool looks_like_whiteout = kind == S_IFCHR && device == makedev(0, 0);
    if (looks_like_whiteout || options_.rootless) {
      note(fmt::format("{}: device {}:{} left out", printable(entry.name), entry.device_major, entry.device_minor));
      return {};
    }
  }
  BERTH_TRY_OK(clear(place));
  if (mknodat(place.parent.get(), place.base(), kind | 0600, device) != 0)
    return entry_error(entry.name, "mknod", errno);
  if (!options_.rootless && fchownat(place.parent.get(), place.base(), static_cast<uid_t>(entry.uid),
                                     static_cast<gid_t>(entry.gid), AT_SYMLINK_NOFOLLOW) != 0) {
    return entry_error(entry.name, "chown", errno);
  }
  // We have just made the node in a tree that nobody else can reach: there is no link to follow.
  if (fchmodat(place.parent.get(), place.base(), entry.mode, 0) != 0) return entry_error(entry.name, "chmod", errno);
  return set_times(place.parent, place.base(), entry);
}

Status LayerTree::apply_hard_link(const std::string& path, const TarEntry& entry) {
  BERTH_TRY(std::string target, clean_entry_name(entry.link_name));
  if (target == path) return {};
  auto missing = [&](int code) {
    return entry_error(entry.name,
                       fmt::format("hard link to {}, which this layer does not have", printable(target)).c_str(), code);
  };
  if (target.empty()) return missing(EISDIR);
  std::string target_parent = parent_of(target);
  auto directory = sys::open_in_root(root_, target_parent.empty() ? "." : target_parent, O_PATH | O_DIRECTORY);
  if (!directory) return missing(directory.error().code);
  struct stat info {};
  std::string target_name = base_of(target);
  if (fstatat(directory->get(), target_name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return missing(errno);
  if (S_ISDIR(info.st_mode)) return missing(EISDIR);
  BERTH_TRY(Place place, locate(path));
  BERTH_TRY_OK(clear(place));
  // Flags 0: a target that is a symbolic link is linked itself, not followed.
  if (linkat(directory->get(), target_name.c_str(), place.parent.get(), place.base(), 0) != 0) return missing(errno);
  return {};
}

Status LayerTree::mark_opaque(FdRef dir) {
  const char* name = options_.rootless ? "user.overlay.opaque" : "trusted.overlay.opaque";
  if (fsetxattr(dir.get(), name, "y", 1, 0) != 0) return sys_error(fmt::format("layer: set {}", name), errno);
  return {};
}

Status LayerTree::set_xattrs(FdRef fd, const TarEntry& entry) {
  for (const auto& [name, value] : entry.xattrs) {
    if (!keeps_xattr(name)) continue;
    if (fsetxattr(fd.get(), name.c_str(), value.data(), value.size(), 0) == 0) continue;
    bool unsupported = errno == ENOTSUP || (options_.rootless && errno == EPERM);
    if (!unsupported) return entry_error(entry.name, ("set attribute " + printable(name)).c_str(), errno);
    note(fmt::format("{}: attribute {} left out", printable(entry.name), printable(name)));
  }
  return {};
}

/// The order matters: chown(2) clears setuid bits and capabilities, so mode and attributes come after it, times last.
Status LayerTree::set_metadata(FdRef fd, const TarEntry& entry) {
  if (!options_.rootless && fchown(fd.get(), static_cast<uid_t>(entry.uid), static_cast<gid_t>(entry.gid)) != 0) {
    return entry_error(entry.name, "chown", errno);
  }
  if (fchmod(fd.get(), entry.mode) != 0) return entry_error(entry.name, "chmod", errno);
  BERTH_TRY_OK(set_xattrs(fd, entry));
  return set_times(fd, nullptr, entry);
}

void LayerTree::note(std::string text) {
  if (notes_.size() < kMaxNotes) notes_.push_back(std::move(text));
}

}  // namespace berth::images
