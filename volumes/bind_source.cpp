#include "volumes/bind_source.h"

#include <fmt/core.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/text.h"
#include "sys/file.h"

namespace berth::volumes {
namespace {

/// The nearest parent that exists, so that a typing mistake can be seen.
std::string existing_parent(std::string path) {
  while (path.size() > 1 && !sys::exists(path)) {
    size_t slash = path.rfind('/');
    path = slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
  }
  return path;
}

}  // namespace

Result<BindSource> prepare_bind_source(const std::string& path, bool create_host_path) {
  std::string shown = printable(path);
  if (!path.starts_with('/'))
    return make_error(fmt::format("bind mount source \"{}\": expected an absolute path", shown));
  if (path.find('\0') != std::string::npos)
    return make_error(fmt::format("bind mount source \"{}\": has a NUL byte", shown));
  BindSource source{path};
  struct stat info {};
  if (stat(path.c_str(), &info) == 0) {
    source.is_directory = S_ISDIR(info.st_mode);
    return source;
  }
  if (errno != ENOENT) return sys_error("bind mount source " + shown, errno);
  if (!create_host_path) {
    Error error = sys_error("bind mount source " + shown, ENOENT);
    error.hint = fmt::format("{} exists, what is below it does not; make it, or set create_host_path: true",
                             printable(existing_parent(path)));
    return error;
  }
  BERTH_TRY_OK(sys::make_dirs(path, 0755).context("bind mount source {}", shown));
  // make_dirs takes a dangling link for something that exists.
  if (stat(path.c_str(), &info) != 0) return sys_error("bind mount source " + shown, errno);
  source.created = true;
  return source;
}

}  // namespace berth::volumes
