#include "volumes/merged_tree.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <deque>
#include <map>
#include <set>

#include "base/text.h"
#include "sys/directory.h"
#include "sys/file.h"

namespace berth::volumes {
namespace {

using sys::FdRef;
using sys::UniqueFd;

constexpr int kMaxLinks = 40;  // as the kernel
constexpr int kOpenDir = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

bool is_whiteout(const struct stat& info) {
  return S_ISCHR(info.st_mode) && info.st_rdev == makedev(0, 0);
}

/// Set on a directory that hides what lower layers have below it; "user." in rootless stores.
bool is_opaque(FdRef dir) {
  char value = 0;
  for (const char* name : {"trusted.overlay.opaque", "user.overlay.opaque"}) {
    if (fgetxattr(dir.get(), name, &value, 1) == 1 && value == 'y') return true;
  }
  return false;
}

Result<std::string> read_link(FdRef dir, const std::string& name) {
  std::string target(PATH_MAX, '\0');
  ssize_t n = readlinkat(dir.get(), name.c_str(), target.data(), target.size());
  if (n < 0) return sys_error("read link " + printable(name), errno);
  target.resize(static_cast<size_t>(n));
  return target;
}

void prepend(std::deque<std::string>& parts, const std::string& path) {
  std::vector<std::string> more = split(path, '/');
  parts.insert(parts.begin(), more.begin(), more.end());
}

}  // namespace

Result<MergedDir> MergedDir::open_root(const std::vector<std::string>& layers) {
  MergedDir root;
  for (const std::string& path : layers) {
    BERTH_TRY(UniqueFd fd, sys::open_file(path, O_RDONLY | O_DIRECTORY));
    bool opaque = is_opaque(fd.ref());
    root.layers_.push_back(std::move(fd));
    if (opaque) break;
  }
  if (root.layers_.empty()) return make_error("image has no layers");
  return root;
}

Result<std::optional<MergedDir::Entry>> MergedDir::find(const std::string& name) const {
  for (size_t i = 0; i < layers_.size(); ++i) {
    Entry entry{name, {}, i};
    if (fstatat(layers_[i].get(), name.c_str(), &entry.info, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT) continue;
      return sys_error("stat " + printable(name), errno);
    }
    return is_whiteout(entry.info) ? std::nullopt : std::optional(std::move(entry));
  }
  return std::optional<Entry>();
}

Result<MergedDir> MergedDir::child(const Entry& entry) const {
  MergedDir below;
  for (size_t i = entry.layer; i < layers_.size(); ++i) {
    UniqueFd fd(openat(layers_[i].get(), entry.name.c_str(), kOpenDir | O_CLOEXEC));
    // A file, link or whiteout in a lower layer ends the directory there; a layer without the name adds nothing.
    if (!fd.valid() && errno == ENOENT) continue;
    if (!fd.valid() && (errno == ENOTDIR || errno == ELOOP)) break;
    if (!fd.valid()) return sys_error("open directory " + printable(entry.name), errno);
    bool opaque = is_opaque(fd.ref());
    below.layers_.push_back(std::move(fd));
    if (opaque) break;
  }
  if (below.layers_.empty()) return sys_error("open directory " + printable(entry.name), ENOTDIR);
  return below;
}

Result<std::vector<MergedDir::Entry>> MergedDir::entries() const {
  std::map<std::string, Entry> found;
  std::set<std::string> hidden;
  for (size_t i = 0; i < layers_.size(); ++i) {
    BERTH_TRY(std::vector<std::string> names, sys::names_in(layers_[i].ref()));
    for (const std::string& name : names) {
      if (found.contains(name) || hidden.contains(name)) continue;
      Entry entry{name, {}, i};
      if (fstatat(layers_[i].get(), name.c_str(), &entry.info, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT) continue;  // taken away by whoever writes there
        return sys_error("stat " + printable(name), errno);
      }
      if (is_whiteout(entry.info))
        hidden.insert(name);
      else
        found.emplace(name, std::move(entry));
    }
  }
  std::vector<Entry> list;
  for (auto& [name, entry] : found) list.push_back(std::move(entry));
  return list;
}

Result<std::optional<MergedDir>> find_directory(const std::vector<std::string>& layers, const std::string& path) {
  std::vector<MergedDir> way;  // from the root to where we are; ".." goes back along it
  BERTH_TRY(MergedDir root, MergedDir::open_root(layers));
  way.push_back(std::move(root));
  std::deque<std::string> parts;
  prepend(parts, path);
  for (int links = 0; !parts.empty();) {
    std::string part = std::move(parts.front());
    parts.pop_front();
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      if (way.size() > 1) way.pop_back();
      continue;
    }
    BERTH_TRY(std::optional<MergedDir::Entry> entry, way.back().find(part));
    if (!entry) return std::optional<MergedDir>();
    if (S_ISDIR(entry->info.st_mode)) {
      BERTH_TRY(MergedDir next, way.back().child(*entry));
      way.push_back(std::move(next));
    } else if (S_ISLNK(entry->info.st_mode)) {
      if (++links > kMaxLinks) return sys_error(fmt::format("image directory {}", printable(path)), ELOOP);
      BERTH_TRY(std::string target, read_link(way.back().home(*entry), part));
      if (target.starts_with('/')) way.erase(way.begin() + 1, way.end());
      prepend(parts, target);
    } else {
      return std::optional<MergedDir>();
    }
  }
  return std::optional<MergedDir>(std::move(way.back()));
}

}  // namespace berth::volumes
