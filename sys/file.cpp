#include "sys/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <linux/openat2.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "base/check.h"
#include "base/text.h"

namespace berth::sys {
namespace {

struct DirCloser {
  void operator()(DIR* dir) const { closedir(dir); }
};
using Dir = std::unique_ptr<DIR, DirCloser>;

Result<Dir> open_dir(UniqueFd fd, const std::string& path) {
  DIR* dir = fdopendir(fd.get());
  if (dir == nullptr) return sys_error(fmt::format("read directory {}", path), errno);
  (void)fd.release();  // the DIR owns it now
  return Dir(dir);
}

bool is_dot(const char* name) {
  return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

/// Removes the entry `name` of `parent` and everything below it on the same file system.
Status remove_entry(FdRef parent, const char* name, const std::string& path, dev_t device) {
  if (unlinkat(parent.get(), name, 0) == 0 || errno == ENOENT) return {};
  if (errno != EISDIR && errno != EPERM) return sys_error("remove " + path, errno);
  UniqueFd fd(openat(parent.get(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.valid()) return sys_error("remove " + path, errno);
  struct stat info {};
  if (fstat(fd.get(), &info) != 0) return sys_error("stat " + path, errno);
  if (info.st_dev != device) return make_error("remove " + path + ": something is mounted there");
  FdRef here = fd.ref();
  BERTH_TRY(Dir dir, open_dir(std::move(fd), path));
  while (dirent* entry = readdir(dir.get())) {
    if (!is_dot(entry->d_name)) BERTH_TRY_OK(remove_entry(here, entry->d_name, path + "/" + entry->d_name, device));
  }
  if (unlinkat(parent.get(), name, AT_REMOVEDIR) == 0 || errno == ENOENT) return {};
  return sys_error("remove " + path, errno);
}

Status sync_parent(const std::string& path) {
  size_t slash = path.rfind('/');
  std::string dir = slash == std::string::npos ? "." : path.substr(0, std::max<size_t>(slash, 1));
  return sync_dir(dir);
}

}  // namespace

Result<UniqueFd> open_file(const std::string& path, int flags, mode_t mode) {
  return open_at(FdRef(AT_FDCWD), path, flags, mode);
}

Result<UniqueFd> open_at(FdRef dir, const std::string& name, int flags, mode_t mode) {
  int fd;
  do {
    fd = openat(dir.get(), name.c_str(), flags | O_CLOEXEC, mode);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) return sys_error("open " + name, errno);
  return UniqueFd(fd);
}

Result<UniqueFd> open_in_root(FdRef root, const std::string& path, int flags, mode_t mode) {
  open_how how{};
  how.flags = static_cast<__u64>(flags) | O_CLOEXEC;
  how.mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? mode : 0;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  long fd;
  do {
    // EAGAIN: something was renamed during a ".." lookup; the kernel asks to try again (openat2(2)).
    fd = syscall(SYS_openat2, root.get(), path.c_str(), &how, sizeof how);
  } while (fd < 0 && (errno == EINTR || errno == EAGAIN));
  if (fd < 0) return sys_error(fmt::format("open {} inside its root", path), errno);
  return UniqueFd(static_cast<int>(fd));
}

Result<std::string> read_all(FdRef fd, size_t limit) {
  std::string data;
  struct stat info {};
  if (fstat(fd.get(), &info) == 0 && info.st_size > 0) {
    data.reserve(std::min(static_cast<size_t>(info.st_size), limit) + 1);
  }
  constexpr size_t kChunk = 64 * 1024;
  for (;;) {
    size_t used = data.size();
    data.resize(std::max(used + 4096, std::min(data.capacity(), used + kChunk)));
    ssize_t n = read(fd.get(), data.data() + used, data.size() - used);
    if (n < 0 && errno == EINTR)
      n = 0, data.resize(used);
    else if (n < 0)
      return sys_error("read", errno);
    else {
      data.resize(used + static_cast<size_t>(n));
      if (n == 0) return data;
    }
    if (data.size() > limit) return sys_error(fmt::format("read (more than {} bytes)", limit), EFBIG);
  }
}

Result<std::string> read_file(const std::string& path, size_t limit) {
  BERTH_TRY(UniqueFd fd, open_file(path, O_RDONLY));
  return read_all(fd.ref(), limit).context("{}", path);
}

Status write_all(FdRef fd, std::string_view data) {
  while (!data.empty()) {
    ssize_t n = write(fd.get(), data.data(), data.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return sys_error("write", errno);
    data.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

Status write_file_atomic(const std::string& path, std::string_view data, Durability durability, mode_t mode) {
  size_t slash = path.rfind('/');
  std::string dir = slash == std::string::npos ? "" : path.substr(0, slash + 1);
  std::string temporary = dir + ".tmp-" + random_hex(8);
  auto write_and_rename = [&]() -> Status {
    BERTH_TRY(UniqueFd fd, open_file(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode));
    if (fchmod(fd.get(), mode) != 0) return sys_error("chmod " + temporary, errno);  // whatever the umask
    BERTH_TRY_OK(write_all(fd.ref(), data).context("{}", temporary));
    if (durability == Durability::disk && fdatasync(fd.get()) != 0) return sys_error("fdatasync " + temporary, errno);
    if (rename(temporary.c_str(), path.c_str()) != 0) return sys_error("rename to " + path, errno);
    return {};
  };
  if (Status written = write_and_rename(); !written) {
    unlink(temporary.c_str());
    return written;
  }
  return durability == Durability::disk ? sync_parent(path) : Status();
}

Status write_existing(const std::string& path, std::string_view data) {
  return write_existing_at(FdRef(AT_FDCWD), path, data);
}

Status write_existing_at(FdRef dir, const std::string& name, std::string_view data) {
  BERTH_TRY(UniqueFd fd, open_at(dir, name, O_WRONLY));
  // One write: cgroup and proc files take a value per call.
  if (write(fd.get(), data.data(), data.size()) < 0) {
    return sys_error(fmt::format("write \"{}\" to {}", printable(trim(data)), name), errno);
  }
  return {};
}

Status make_dirs(const std::string& path, mode_t mode) {
  if (mkdir(path.c_str(), mode) == 0 || errno == EEXIST) return {};
  if (errno != ENOENT) return sys_error("mkdir " + path, errno);
  size_t slash = path.rfind('/');
  if (slash == std::string::npos || slash == 0) return sys_error("mkdir " + path, ENOENT);
  BERTH_TRY_OK(make_dirs(path.substr(0, slash), mode));
  if (mkdir(path.c_str(), mode) == 0 || errno == EEXIST) return {};
  return sys_error("mkdir " + path, errno);
}

Status remove_tree(const std::string& path) {
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0) return errno == ENOENT ? Status() : Status(sys_error("stat " + path, errno));
  return remove_entry(FdRef(AT_FDCWD), path.c_str(), path, info.st_dev);
}

Status remove_tree_at(FdRef dir, const std::string& name) {
  struct stat info {};
  if (fstatat(dir.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    return errno == ENOENT ? Status() : Status(sys_error("stat " + name, errno));
  }
  return remove_entry(dir, name.c_str(), name, info.st_dev);
}

Status sync_filesystem(FdRef fd) {
  if (syncfs(fd.get()) != 0) return sys_error("syncfs", errno);
  return {};
}

Status sync_dir(const std::string& path) {
  BERTH_TRY(UniqueFd fd, open_file(path, O_RDONLY | O_DIRECTORY));
  if (fsync(fd.get()) != 0) return sys_error("fsync " + path, errno);
  return {};
}

Result<std::vector<std::string>> list_dir(const std::string& path) {
  BERTH_TRY(UniqueFd fd, open_file(path, O_RDONLY | O_DIRECTORY));
  BERTH_TRY(Dir dir, open_dir(std::move(fd), path));
  std::vector<std::string> names;
  while (dirent* entry = readdir(dir.get())) {
    if (!is_dot(entry->d_name)) names.emplace_back(entry->d_name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool exists(const std::string& path) {
  return access(path.c_str(), F_OK) == 0;
}

Result<UniqueFd> memory_file(const std::string& name, std::string_view data) {
  UniqueFd fd(memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd.valid()) return sys_error("memfd_create " + name, errno);
  BERTH_TRY_OK(write_all(fd.ref(), data).context("memory file {}", name));
  if (fcntl(fd.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    return sys_error("seal memory file " + name, errno);
  }
  lseek(fd.get(), 0, SEEK_SET);
  return fd;
}

std::string random_hex(size_t bytes) {
  std::string raw(bytes, '\0');
  // getrandom(2) gives up to 256 bytes uninterrupted once the pool is initialised.
  BERTH_CHECK(bytes <= 256);
  ssize_t n;
  do {
    n = getrandom(raw.data(), raw.size(), 0);
  } while (n < 0 && errno == EINTR);
  BERTH_CHECK(n == static_cast<ssize_t>(bytes));
  return to_hex(raw);
}

}  // namespace berth::sys
