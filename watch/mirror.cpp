#include "watch/mirror.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "base/text.h"
#include "sys/file.h"

namespace berth::watch {
namespace {

constexpr mode_t kModeBits = 07777;
constexpr size_t kChunk = 256 * 1024;

std::optional<struct stat> stat_at(sys::FdRef directory, const std::string& name) {
  struct stat info {};
  if (fstatat(directory.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return std::nullopt;
  return info;
}

Result<std::string> link_target(sys::FdRef directory, const std::string& name) {
  char target[PATH_MAX];
  ssize_t size = readlinkat(directory.get(), name.c_str(), target, sizeof target);
  if (size < 0) return sys_error("read link " + printable(name), errno);
  return std::string(target, static_cast<size_t>(size));
}

/// One root, in which entries are written one after the other.
class Mirror {
 public:
  Mirror(sys::FdRef root, Owner owner) : root_(root), owner_(owner) {}

  /// Whether anything had to be done.
  Result<bool> take(const std::string& from, const std::string& to) {
    const size_t slash = to.rfind('/');
    const std::string directory = slash == 0 || slash == std::string::npos ? "/" : to.substr(0, slash);
    const std::string name = slash == std::string::npos ? to : to.substr(slash + 1);
    if (name.empty() || name == "." || name == "..") return false;  // the root itself
    struct stat source {};
    const bool there = lstat(from.c_str(), &source) == 0;
    if (!there && errno != ENOENT && errno != ENOTDIR) return sys_error("stat " + printable(from), errno);
    if (!there) return remove(directory, name);
    if (!S_ISREG(source.st_mode) && !S_ISDIR(source.st_mode) && !S_ISLNK(source.st_mode)) return false;
    BERTH_TRY_OK(enter(directory, true));
    if (S_ISDIR(source.st_mode)) return make_directory(name, source);
    if (S_ISLNK(source.st_mode)) return make_link(from, name);
    return copy_file(from, name);
  }

 private:
  /// Opens the directory that the next entry is in, which mostly is that of the last one.
  Status enter(const std::string& directory, bool make) {
    if (current_.valid() && directory == path_) return {};
    Result<sys::UniqueFd> opened = sys::open_in_root(root_, directory, O_PATH | O_DIRECTORY);
    if (!opened && opened.error().code == ENOENT && make && directory != "/") {
      const size_t slash = directory.rfind('/');
      BERTH_TRY_OK(enter(slash == 0 ? "/" : directory.substr(0, slash), true));
      const std::string name = directory.substr(slash + 1);
      if (mkdirat(current_.get(), name.c_str(), 0755) == 0)
        (void)fchownat(current_.get(), name.c_str(), owner_.uid, owner_.gid,
                       AT_SYMLINK_NOFOLLOW);  // no more than a help
      else if (errno != EEXIST)
        return sys_error("make directory " + printable(directory), errno);
      opened = sys::open_in_root(root_, directory, O_PATH | O_DIRECTORY);
    }
    if (!opened) return std::move(opened).error();
    current_ = std::move(*opened);
    path_ = directory;
    return {};
  }

  Result<bool> remove(const std::string& directory, const std::string& name) {
    Status entered = enter(directory, false);
    if (!entered && (entered.error().code == ENOENT || entered.error().code == ENOTDIR)) return false;
    if (!entered) return std::move(entered).error();
    if (!stat_at(current_.ref(), name)) return false;
    BERTH_TRY_OK(sys::remove_tree_at(current_.ref(), name));
    return true;
  }

  Result<bool> make_directory(const std::string& name, const struct stat& source) {
    const mode_t mode = source.st_mode & kModeBits;
    std::optional<struct stat> there = stat_at(current_.ref(), name);
    if (there && S_ISDIR(there->st_mode)) return false;  // its mode and owner may be the image's own choice
    if (there && unlinkat(current_.get(), name.c_str(), 0) != 0) return sys_error("remove " + printable(name), errno);
    if (mkdirat(current_.get(), name.c_str(), mode) != 0) return sys_error("make directory " + printable(name), errno);
    BERTH_TRY(sys::UniqueFd made, sys::open_at(current_.ref(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    if (fchown(made.get(), owner_.uid, owner_.gid) != 0 || fchmod(made.get(), mode) != 0)
      return sys_error("change owner and mode of " + printable(name), errno);
    return true;
  }

  Result<bool> make_link(const std::string& from, const std::string& name) {
    BERTH_TRY(std::string target, link_target(sys::FdRef(AT_FDCWD), from));
    Result<std::string> present = link_target(current_.ref(), name);
    if (present && *present == target) return false;
    const std::string temporary = temporary_name();
    if (symlinkat(target.c_str(), current_.get(), temporary.c_str()) != 0)
      return sys_error("make link " + printable(name), errno);
    if (fchownat(current_.get(), temporary.c_str(), owner_.uid, owner_.gid, AT_SYMLINK_NOFOLLOW) != 0)
      return give_up(temporary, sys_error("change owner of " + printable(name), errno));
    return put(temporary, name);
  }

  Result<bool> copy_file(const std::string& from, const std::string& name) {
    Result<sys::UniqueFd> source = sys::open_file(from, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (!source && source.error().code == ENOENT) return false;  // gone again; that is told, too
    if (!source) return std::move(source).error();
    struct stat info {};
    if (fstat(source->get(), &info) != 0) return sys_error("stat " + printable(from), errno);
    if (!S_ISREG(info.st_mode)) return false;
    BERTH_TRY(bool same, is_same(source->ref(), info, name));
    if (same) return false;
    const std::string temporary = temporary_name();
    Result<sys::UniqueFd> made =
        sys::open_at(current_.ref(), temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
    if (!made) return sys_error("write " + printable(name), made.error().code);
    if (Status filled = fill(made->ref(), source->ref(), info); !filled)
      return give_up(temporary, std::move(filled).error());
    return put(temporary, name);
  }

  Status fill(sys::FdRef to, sys::FdRef from, const struct stat& info) {
    BERTH_TRY_OK(copy_bytes(to, from));
    return finish(to, info);
  }

  Status copy_bytes(sys::FdRef to, sys::FdRef from) {
    buffer_.resize(kChunk);
    for (;;) {
      ssize_t size = read(from.get(), buffer_.data(), buffer_.size());
      if (size < 0 && errno == EINTR) continue;
      if (size < 0) return sys_error("read", errno);
      if (size == 0) return {};
      BERTH_TRY_OK(sys::write_all(to, {buffer_.data(), static_cast<size_t>(size)}));
    }
  }

  [[nodiscard]] Status finish(sys::FdRef file, const struct stat& info) const {
    // The owner first: changing it takes set-user-id bits away.
    if (fchown(file.get(), owner_.uid, owner_.gid) != 0) return sys_error("change owner", errno);
    if (fchmod(file.get(), info.st_mode & kModeBits) != 0) return sys_error("change mode", errno);
    const timespec times[] = {info.st_mtim, info.st_mtim};
    if (futimens(file.get(), times) != 0) return sys_error("change time", errno);
    return {};
  }

  /// Whether the container has that file already. One of the same bytes gets mode and time, where those are different.
  Result<bool> is_same(sys::FdRef source, const struct stat& info, const std::string& name) {
    // Looked at before it is opened: the container may have put a device there.
    Result<sys::UniqueFd> place = sys::open_at(current_.ref(), name, O_PATH | O_NOFOLLOW);
    struct stat opened {};
    if (!place || fstat(place->get(), &opened) != 0) return false;
    if (!S_ISREG(opened.st_mode) || opened.st_size != info.st_size) return false;
    Result<sys::UniqueFd> present = sys::open_file(fmt::format("/proc/self/fd/{}", place->get()), O_RDONLY);
    if (!present) return false;
    BERTH_TRY(bool equal, equal_bytes(source, present->ref()));
    if (lseek(source.get(), 0, SEEK_SET) < 0) return sys_error("seek", errno);
    if (!equal) return false;
    const bool as_is = (opened.st_mode & kModeBits) == (info.st_mode & kModeBits) &&
                       opened.st_mtim.tv_sec == info.st_mtim.tv_sec && opened.st_mtim.tv_nsec == info.st_mtim.tv_nsec;
    if (!as_is) BERTH_TRY_OK(finish(present->ref(), info));
    return true;
  }

  Result<bool> equal_bytes(sys::FdRef one, sys::FdRef other) {
    buffer_.resize(2 * kChunk);
    char* first = buffer_.data();
    char* second = first + kChunk;
    for (off_t at = 0;;) {
      ssize_t size = pread(one.get(), first, kChunk, at);
      if (size < 0 && errno == EINTR) continue;
      if (size < 0) return sys_error("read", errno);
      if (size == 0) return true;
      // A regular file gives all that is asked for, up to its end.
      if (pread(other.get(), second, static_cast<size_t>(size), at) != size) return false;
      if (memcmp(first, second, static_cast<size_t>(size)) != 0) return false;
      at += size;
    }
  }

  static std::string temporary_name() { return ".tmp-" + sys::random_hex(8); }

  Error give_up(const std::string& temporary, Error error) {
    unlinkat(current_.get(), temporary.c_str(), 0);
    return error;
  }

  Result<bool> put(const std::string& temporary, const std::string& name) {
    if (renameat(current_.get(), temporary.c_str(), current_.get(), name.c_str()) == 0) return true;
    int error = errno;
    if (error == EISDIR) {  // a directory stands there, and not on the host
      Status removed = sys::remove_tree_at(current_.ref(), name);
      if (!removed) return give_up(temporary, std::move(removed).error());
      if (renameat(current_.get(), temporary.c_str(), current_.get(), name.c_str()) == 0) return true;
      error = errno;
    }
    const bool mounted = error == EBUSY;
    Error failure = sys_error("write " + printable(name), error);
    if (mounted) failure.hint = "something is mounted there";
    return give_up(temporary, std::move(failure));
  }

  sys::FdRef root_;
  Owner owner_;
  sys::UniqueFd current_;  // the directory of the last entry
  std::string path_;
  std::string buffer_;
};

}  // namespace

Mirrored mirror(const Copies& copies, sys::FdRef root, Owner owner) {
  Mirrored result;
  Mirror container(root, owner);
  for (const auto& [to, from] : copies) {
    Result<bool> taken = container.take(from, to);
    if (!taken)
      result.failures.push_back(std::move(taken).error());
    else if (*taken)
      ++result.changed;
    if (!taken) result.failures.back().context.push_back("sync " + printable(from) + " to " + printable(to));
  }
  return result;
}

}  // namespace berth::watch
