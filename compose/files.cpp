#include "compose/files.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <memory>

namespace berth::compose {
namespace {

struct FileCloser {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

Result<std::string> read_all(std::FILE* file, const std::string& name) {
  std::string text;
  char buffer[16384];
  while (size_t count = std::fread(buffer, 1, sizeof buffer, file)) {
    text.append(buffer, count);
    if (text.size() > kMaxFileSize) return sys_error("read " + name, EFBIG);
  }
  if (std::ferror(file) != 0) return sys_error("read " + name, errno);
  return text;
}

}  // namespace

Result<std::string> DiskFiles::read(const std::string& path) {
  std::unique_ptr<std::FILE, FileCloser> file(std::fopen(path.c_str(), "re"));
  if (!file) return sys_error("open " + path, errno);
  return read_all(file.get(), path);
}

bool DiskFiles::exists(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && !S_ISDIR(info.st_mode);
}

Result<std::string> DiskFiles::read_stdin() {
  return read_all(stdin, "standard input");
}

Result<std::string> MemoryFiles::read(const std::string& path) {
  auto file = files_.find(path);
  if (file == files_.end()) return sys_error("open " + path, ENOENT);
  return file->second;
}

bool MemoryFiles::exists(const std::string& path) {
  return files_.contains(path);
}

Result<std::string> MemoryFiles::read_stdin() {
  return stdin_;
}

}  // namespace berth::compose
