// What an image has at the place of a tmpfs, copied into it (the mount option tmpcopyup).

#include <dirent.h>
#include <sys/sendfile.h>
#include <sys/xattr.h>

#include <cstring>

#include "runtime/child_sys.h"

namespace berth::runtime::child {
namespace {

constexpr int kMaxDepth = 64;  // each level has a buffer on the stack

bool is_dot(const char* name) noexcept {
  return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

bool copy_times(int to, const char* name, const struct stat& info) noexcept {
  const timespec times[] = {info.st_atim, info.st_mtim};
  return utimensat(to, name, times, AT_SYMLINK_NOFOLLOW) == 0;
}

bool copy_file(int from, int to, const char* name, const struct stat& info) noexcept {
  int source = openat(from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  int target = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  bool copied = source >= 0 && target >= 0;
  for (off_t left = info.st_size; copied && left > 0;) {
    ssize_t n = sendfile(target, source, nullptr, static_cast<size_t>(left));
    copied = n >= 0;
    if (n <= 0) break;  // 0: it has become shorter
    left -= n;
  }
  copied = copied && fchown(target, info.st_uid, info.st_gid) == 0 && fchmod(target, info.st_mode & 07777) == 0;
  int saved = errno;
  if (source >= 0) close(source);
  if (target >= 0) close(target);
  errno = saved;
  return copied;
}

bool copy_link(int from, int to, const char* name, const struct stat& info) noexcept {
  char target[PATH_MAX];
  ssize_t length = readlinkat(from, name, target, sizeof target - 1);
  if (length < 0) return false;
  target[length] = '\0';
  return symlinkat(target, to, name) == 0 && fchownat(to, name, info.st_uid, info.st_gid, AT_SYMLINK_NOFOLLOW) == 0;
}

bool copy_directory(int from, int to, int depth) noexcept;

bool copy_entry(int from, int to, const char* name, int depth) noexcept {
  struct stat info;
  if (fstatat(from, name, &info, AT_SYMLINK_NOFOLLOW) != 0) return errno == ENOENT;
  if (S_ISREG(info.st_mode)) return copy_file(from, to, name, info) && copy_times(to, name, info);
  if (S_ISLNK(info.st_mode)) return copy_link(from, to, name, info) && copy_times(to, name, info);
  if (!S_ISDIR(info.st_mode)) {
    return mknodat(to, name, info.st_mode, info.st_rdev) == 0 &&
           fchownat(to, name, info.st_uid, info.st_gid, AT_SYMLINK_NOFOLLOW) == 0;
  }
  if (mkdirat(to, name, 0700) != 0) return false;
  int source = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  int target = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  bool copied = source >= 0 && target >= 0 && copy_directory(source, target, depth + 1) &&
                fchown(target, info.st_uid, info.st_gid) == 0 && fchmod(target, info.st_mode & 07777) == 0;
  int saved = errno;
  if (source >= 0) close(source);
  if (target >= 0) close(target);
  errno = saved;
  return copied && copy_times(to, name, info);
}

bool copy_directory(int from, int to, int depth) noexcept {
  if (depth > kMaxDepth) return errno = ELOOP, false;
  alignas(dirent64) char buffer[4096];
  for (;;) {
    ssize_t length = getdents64(from, buffer, sizeof buffer);
    if (length <= 0) return length == 0;
    for (ssize_t at = 0; at < length;) {
      const auto* entry = reinterpret_cast<const dirent64*>(buffer + at);
      at += entry->d_reclen;
      if (!is_dot(entry->d_name) && !copy_entry(from, to, entry->d_name, depth)) return false;
    }
  }
}

}  // namespace

bool copy_tree(int from, int to) noexcept {
  int source = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  bool copied = source >= 0 && copy_directory(source, to, 0);
  int saved = errno;
  if (source >= 0) close(source);
  errno = saved;
  return copied;
}

}  // namespace berth::runtime::child
