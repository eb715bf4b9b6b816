#include "sys/sealed_self.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <string_view>
#include <utility>

#include "sys/execute_sealed.h"

namespace berth::sys {
namespace {

constexpr char kSelf[] = "/proc/self/exe";

std::string read_self() {
  char path[PATH_MAX];
  ssize_t size = readlink(kSelf, path, sizeof path);
  return std::string(path, size > 0 ? static_cast<size_t>(size) : 0);
}

/// A mount that is attached nowhere has no path but its own root.
constexpr std::string_view kSealed = "/";

}  // namespace

std::string own_program() {
  constexpr std::string_view kReplaced = " (deleted)";  // by an upgrade, meanwhile
  std::string path = read_self();
  if (path == kSealed) return program_invocation_name;  // as seal_self() has given it
  if (path.ends_with(kReplaced)) path.resize(path.size() - kReplaced.size());
  return path;
}

Status seal_self(char** argv) {
  if (read_self() == kSealed) {
    prctl(PR_SET_NAME, program_invocation_short_name);  // executed by descriptor, we are called after its number
    return {};
  }
  std::string path = own_program();
  char* given = std::exchange(argv[0], path.data());
  bool mounted = false;
  int code = execute_sealed(kSelf, argv, mounted);
  argv[0] = given;
  if (mounted) return sys_error("execute our own program again", code);
  if (code != ENOSYS) return sys_error("make our own program read-only", code);
  return {};  // no container starts there either, and says what is missing
}

}  // namespace berth::sys
