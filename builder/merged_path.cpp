#include "builder/merged_path.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <deque>

#include "base/text.h"

namespace berth::builder {
namespace {

using volumes::MergedDir;

constexpr int kMaxLinks = 40;  // as the kernel

/// A directory on the way, and its name in the one before.
struct Level {
  std::string name;
  std::optional<MergedDir> dir;  // nothing: not there yet
};

std::string path_of(const std::vector<Level>& way) {
  std::string path;
  for (size_t i = 1; i < way.size(); ++i) path += (i > 1 ? "/" : "") + way[i].name;
  return path;
}

Result<std::string> link_target(const MergedDir& dir, const MergedDir::Entry& entry) {
  char target[PATH_MAX];
  ssize_t n = readlinkat(dir.home(entry).get(), entry.name.c_str(), target, sizeof target);
  if (n < 0) return sys_error("read link " + printable(entry.name), errno);
  return std::string(target, static_cast<size_t>(n));
}

void prepend(std::deque<std::string>& parts, const std::string& path) {
  std::vector<std::string> more = split(path, '/');
  parts.insert(parts.begin(), more.begin(), more.end());
}

}  // namespace

Result<Found> find_path(const std::vector<std::string>& layers, const std::string& path, bool follow_last) {
  std::vector<Level> way;
  if (layers.empty()) {
    way.push_back({});  // FROM scratch: nothing is there
  } else {
    BERTH_TRY(MergedDir root, MergedDir::open_root(layers));
    way.push_back({"", std::move(root)});
  }
  std::deque<std::string> parts;
  prepend(parts, path);
  auto is_last = [&] {
    for (const std::string& part : parts) {
      if (!part.empty() && part != ".") return false;
    }
    return true;
  };
  for (int links = 0; !parts.empty();) {
    std::string part = std::move(parts.front());
    parts.pop_front();
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      if (way.size() > 1) way.pop_back();
      continue;
    }
    std::optional<MergedDir::Entry> entry;
    if (way.back().dir) {
      BERTH_TRY(entry, way.back().dir->find(part));
    }
    if (entry && S_ISLNK(entry->info.st_mode) && (follow_last || !is_last())) {
      if (++links > kMaxLinks) return sys_error(printable(path), ELOOP);
      BERTH_TRY(std::string target, link_target(*way.back().dir, *entry));
      if (target.starts_with('/')) way.erase(way.begin() + 1, way.end());
      prepend(parts, target);
      continue;
    }
    if (is_last()) {
      std::string parent = path_of(way);
      Found found;
      found.path = parent.empty() ? part : parent + "/" + part;
      found.parent = std::move(way.back().dir);
      found.has_entry = entry.has_value();
      if (entry) found.entry = std::move(*entry);
      return found;
    }
    if (entry && !S_ISDIR(entry->info.st_mode)) return sys_error(printable(path), ENOTDIR);
    Level next{part, std::nullopt};
    if (entry) {
      BERTH_TRY(MergedDir child, way.back().dir->child(*entry));
      next.dir = std::move(child);
    }
    way.push_back(std::move(next));
  }
  // The path ended in "..", "." or a link to such: where we are is a directory.
  std::string here = path_of(way);
  if (here.empty()) return Found{};
  return find_path(layers, here, false);
}

std::string base_name(const std::string& path) {
  return path.substr(path.rfind('/') + 1);  // npos + 1 = 0
}

std::string parent_of(const std::string& path) {
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

std::string below(const std::string& directory, const std::string& name) {
  return directory.empty() ? name : name.empty() ? directory : directory + "/" + name;
}

}  // namespace berth::builder
