#include "volumes/config_file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"
#include "sys/file.h"

namespace berth::volumes {
namespace {

Status write_new(sys::FdRef directory, const std::string& name, const ConfigFile& file) {
  BERTH_TRY(sys::UniqueFd fd, sys::open_at(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
  BERTH_TRY_OK(sys::write_all(fd.ref(), file.content));
  if (fchown(fd.get(), file.uid, file.gid) != 0) return sys_error("chown", errno);
  if (fchmod(fd.get(), file.mode & 07777) != 0) return sys_error("chmod", errno);
  return {};
}

}  // namespace

Result<std::string> write_config_file(const std::string& directory, const ConfigFile& file) {
  bool good = !file.name.empty() && file.name != "." && file.name != ".." && file.name.find('/') == std::string::npos &&
              file.name.find('\0') == std::string::npos;
  if (!good)
    return make_error(fmt::format("config file \"{}\": expected a file name, not a path", printable(file.name)));
  BERTH_TRY_OK(sys::make_dirs(directory, 0700));
  BERTH_TRY(sys::UniqueFd fd, sys::open_file(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  // Whole or not at all: a container may have the old file mounted and keeps it.
  std::string temporary = ".tmp-" + sys::random_hex(8);
  std::string path = directory + "/" + file.name;
  Status written = write_new(fd.ref(), temporary, file).context("config file {}", path);
  if (written && renameat(fd.get(), temporary.c_str(), fd.get(), file.name.c_str()) != 0)
    written = sys_error("rename to " + path, errno);
  if (written) return path;
  unlinkat(fd.get(), temporary.c_str(), 0);
  return std::move(written).error();
}

}  // namespace berth::volumes
