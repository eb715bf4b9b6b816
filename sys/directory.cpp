#include "sys/directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <set>

#include "sys/file.h"

namespace berth::sys {
namespace {

constexpr uint64_t kStatBlock = 512;  // of st_blocks, whatever the file system's own

struct Usage {
  dev_t device;
  std::set<ino_t> seen;  // of files with several names
  uint64_t bytes = 0;
};

void add_tree(Usage& usage, FdRef parent, const std::string& name) {
  struct stat info {};
  if (fstatat(parent.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0 || info.st_dev != usage.device) return;
  if (info.st_nlink > 1 && !S_ISDIR(info.st_mode) && !usage.seen.insert(info.st_ino).second) return;
  usage.bytes += static_cast<uint64_t>(info.st_blocks) * kStatBlock;
  if (!S_ISDIR(info.st_mode)) return;
  Result<UniqueFd> dir = open_at(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!dir) return;
  Result<std::vector<std::string>> names = names_in(dir->ref());
  if (!names) return;
  for (const std::string& child : *names) add_tree(usage, dir->ref(), child);
}

}  // namespace

Result<std::vector<std::string>> names_in(FdRef dir) {
  BERTH_TRY(UniqueFd copy, open_at(dir, ".", O_RDONLY | O_DIRECTORY));  // a position of its own
  std::unique_ptr<DIR, int (*)(DIR*)> stream(fdopendir(copy.get()), closedir);
  if (stream == nullptr) return sys_error("read directory", errno);
  (void)copy.release();  // the stream owns it now
  std::vector<std::string> names;
  errno = 0;
  while (dirent* entry = readdir(stream.get())) {
    std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(std::move(name));
  }
  if (errno != 0) return sys_error("read directory", errno);
  std::sort(names.begin(), names.end());
  return names;
}

uint64_t disk_usage(const std::string& path) {
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0) return 0;
  Usage usage{info.st_dev, {}, 0};
  add_tree(usage, FdRef(AT_FDCWD), path);
  return usage.bytes;
}

}  // namespace berth::sys
