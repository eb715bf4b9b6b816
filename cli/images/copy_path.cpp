#include "cli/images/copy_path.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

#include "base/text.h"
#include "sys/file.h"

namespace berth::cli {
namespace {

constexpr int kMaxLinks = 40;  // as the kernel

/// "a/b" → "a" and "b"; the directory is "." where there is none.
std::pair<std::string, std::string> parts_of(const std::string& path) {
  size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {".", path};
  return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

Result<std::string> read_link(sys::FdRef parent, const std::string& name) {
  char target[PATH_MAX];
  ssize_t size = readlinkat(parent.get(), name.c_str(), target, sizeof target);
  if (size < 0) return sys_error("read link " + printable(name), errno);
  return std::string(target, static_cast<size_t>(size));
}

}  // namespace

Result<CopyPath> CopyPath::resolve(sys::FdRef root, const std::string& path, bool follow) {
  CopyPath found;
  std::string rest = path.empty() ? "." : path;
  found.contents_only = rest == "." || rest.ends_with("/.");
  found.wants_directory = rest.ends_with('/') || found.contents_only;
  if (rest.ends_with("/.")) rest.erase(rest.size() - 1);
  while (rest.size() > 1 && rest.ends_with('/')) rest.pop_back();
  for (int links = 0; links < kMaxLinks; ++links) {
    auto [directory, name] = parts_of(rest);
    bool itself = name.empty() || name == "." || name == "..";  // a parent by name could lead out of the root
    BERTH_TRY(found.parent, sys::open_in_root(root, itself ? rest : directory, O_PATH | O_DIRECTORY));
    found.name = itself ? "." : name;
    struct stat info {};
    if (fstatat(found.parent.get(), found.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno != ENOENT) return sys_error("stat " + printable(path), errno);
      return found;
    }
    if (!S_ISLNK(info.st_mode) || !(follow || found.wants_directory)) {
      found.info = info;
      return found;
    }
    Result<std::string> target = read_link(found.parent.ref(), found.name);
    if (!target) return std::move(target).error();
    rest = target->starts_with('/') ? *target : directory + "/" + *target;
    while (rest.size() > 1 && rest.ends_with('/')) rest.pop_back();
  }
  return sys_error("stat " + printable(path), ELOOP);
}

Result<CopyTarget> copy_target(CopyPath target, const CopyPath& source, const std::string& base) {
  if (target.is_directory()) {
    BERTH_TRY(sys::UniqueFd directory,
              sys::open_at(target.parent.ref(), target.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    return CopyTarget{std::move(directory), source.contents_only ? "" : base};
  }
  if (target.info && source.is_directory()) return make_error("cannot copy a directory over a file");
  if (target.wants_directory && (target.info || !source.is_directory()))
    return make_error(target.info ? "the destination is no directory" : "the destination directory does not exist");
  // What is not there gets the target's name, also where only the contents of a directory were named.
  return CopyTarget{std::move(target.parent), target.name};
}

}  // namespace berth::cli
