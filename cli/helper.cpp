#include "cli/helper.h"

#include <unistd.h>

#include <cerrno>

namespace berth::cli {

Result<std::string> helper(const std::string& name) {
  char path[4096];
  ssize_t n = readlink("/proc/self/exe", path, sizeof path);
  std::string own(path, n > 0 ? static_cast<size_t>(n) : 0);
  std::string dir = own.substr(0, own.rfind('/') + 1);
  for (const std::string& candidate : {dir + name, dir + "../libexec/berth/" + name}) {
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return make_error("the helper program " + name + " is missing",
                    "it belongs beside " + own + " or in ../libexec/berth");
}

Error become_helper(const std::string& name, char** argv) {
  Result<std::string> path = helper(name);
  if (!path) return std::move(path).error();
  execv(path->c_str(), argv);
  return sys_error("execute " + *path, errno);
}

}  // namespace berth::cli
