#include "builder/tree.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <utility>

#include "base/text.h"
#include "dockerfile/path_pattern.h"
#include "images/tree_tar.h"
#include "sys/file.h"

namespace berth::builder {
namespace {

using volumes::MergedDir;

class Walk {
 public:
  Walk(const SourceTree& tree, const dockerfile::IgnoreRules* ignore, const Visit& visit)
      : tree_(tree), ignore_(ignore), visit_(visit) {}

  /// `from_root` counts from the walk's root, `path` from the tree's, as .dockerignore has it.
  Status directory(const MergedDir& dir, const std::string& from_root, const std::string& path) {
    BERTH_TRY(std::vector<MergedDir::Entry> entries, dir.entries());
    for (const MergedDir::Entry& entry : entries) {
      std::string inside = below(path, entry.name), relative = below(from_root, entry.name);
      bool ignored = ignore_ != nullptr && ignore_->ignores(inside);
      if (is_excluded(relative)) continue;
      if (ignored && !(S_ISDIR(entry.info.st_mode) && ignore_->may_hold_exceptions())) continue;
      size_t around = ignored_.size();
      if (ignored)
        ignored_.push_back({dir, entry, relative});
      else
        BERTH_TRY_OK(visit(dir, entry, relative));
      if (!S_ISDIR(entry.info.st_mode)) continue;
      BERTH_TRY(MergedDir child, dir.child(entry));
      BERTH_TRY_OK(directory(child, relative, inside));
      if (ignored_.size() > around) ignored_.pop_back();
    }
    return {};
  }

 private:
  /// What is taken back from an ignored directory brings the directory along.
  Status visit(const MergedDir& dir, const MergedDir::Entry& entry, const std::string& relative) {
    for (const Ignored& one : std::exchange(ignored_, {})) BERTH_TRY_OK(visit_(one.parent, one.entry, one.relative));
    return visit_(dir, entry, relative);
  }

  [[nodiscard]] bool is_excluded(const std::string& relative) const {
    return std::any_of(tree_.excluded.begin(), tree_.excluded.end(),
                       [&](const dockerfile::PathPattern& pattern) { return pattern.matches(relative); });
  }

  struct Ignored {
    const MergedDir& parent;
    const MergedDir::Entry& entry;
    std::string relative;
  };
  const SourceTree& tree_;
  const dockerfile::IgnoreRules* ignore_;
  const Visit& visit_;
  std::vector<Ignored> ignored_;  // directories around where we are that nothing was taken back from so far
};

Result<MergedDir> open_directory(const SourceTree& tree, const Found& found) {
  if (found.path.empty()) return MergedDir::open_root(tree.layers);
  return found.parent->child(found.entry);
}

Error not_there(const SourceTree& tree, const std::string& path) {
  if (tree.ignore != nullptr && tree.ignore->ignores(path)) {
    return make_error(fmt::format("\"{}\" is kept out of {} by .dockerignore", printable(path), tree.name),
                      "take it back there with a line that begins with \"!\"");
  }
  size_t slash = path.rfind('/');
  std::string directory = slash == std::string::npos ? "" : path.substr(0, slash);
  std::vector<std::string> names;
  if (Result<Found> parent = find_path(tree.layers, directory, true); parent && parent->is_directory()) {
    if (Result<MergedDir> dir = open_directory(tree, *parent)) {
      if (auto entries = dir->entries()) {
        for (const MergedDir::Entry& entry : *entries) names.push_back(below(directory, entry.name));
      }
    }
  }
  std::optional<std::string> near = nearest(path, names);
  Error error = make_error(fmt::format("\"{}\" is not in {}", printable(path), tree.name),
                           near ? fmt::format("did you mean \"{}\"?", printable(*near)) : "");
  error.code = ENOENT;
  return error;
}

Status hash_file(sys::FdRef dir, const std::string& name, images::Sha256& hash) {
  BERTH_TRY(sys::UniqueFd file, sys::open_at(dir, name, O_RDONLY | O_NOFOLLOW));
  images::Sha256 content;
  char buffer[128 * 1024];
  for (;;) {
    ssize_t n = read(file.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return sys_error("read " + printable(name), errno);
    if (n == 0) break;
    content.update({buffer, static_cast<size_t>(n)});
  }
  hash.update(content.digest().str());
  return {};
}

Status hash_xattrs(sys::FdRef dir, const std::string& name, images::Sha256& hash) {
  BERTH_TRY(sys::UniqueFd file, sys::open_at(dir, name, O_RDONLY | O_NOFOLLOW));
  images::TarEntry entry;
  BERTH_TRY_OK(images::read_xattrs(file.ref(), entry));
  for (const auto& [attribute, value] : entry.xattrs)
    hash.update(fmt::format("{}={}:{}\n", attribute, value.size(), value));
  return {};
}

Status hash_entry(const SourceTree& tree, const MergedDir& dir, const MergedDir::Entry& entry, const std::string& path,
                  images::Sha256& hash) {
  const struct stat& info = entry.info;
  hash.update(fmt::format("{}:{}\n{:o}\n", path.size(), path, info.st_mode));
  if (tree.keeps_owners) hash.update(fmt::format("{}:{}\n", info.st_uid, info.st_gid));
  bool has_xattrs = S_ISREG(info.st_mode) || S_ISDIR(info.st_mode);
  if (tree.keeps_owners && has_xattrs) BERTH_TRY_OK(hash_xattrs(dir.home(entry), entry.name, hash));
  if (S_ISREG(info.st_mode)) return hash_file(dir.home(entry), entry.name, hash).context("{}", printable(path));
  if (S_ISLNK(info.st_mode)) {
    char target[PATH_MAX];
    ssize_t n = readlinkat(dir.home(entry).get(), entry.name.c_str(), target, sizeof target);
    if (n < 0) return sys_error("read link " + printable(path), errno);
    hash.update({target, static_cast<size_t>(n)});
  }
  if (S_ISCHR(info.st_mode) || S_ISBLK(info.st_mode)) hash.update(std::to_string(info.st_rdev));
  return {};
}

}  // namespace

Result<std::vector<Source>> find_sources(const SourceTree& tree, const std::string& word) {
  std::string path = dockerfile::clean_path(word);
  BERTH_TRY(dockerfile::PathPattern pattern, dockerfile::PathPattern::parse(path, false));
  std::vector<Source> sources;
  if (pattern.is_plain()) {
    BERTH_TRY(Found found, find_path(tree.layers, path, true));
    bool ignored = !path.empty() && tree.ignore != nullptr && tree.ignore->ignores(path);
    bool may_hold = found.is_directory() && tree.ignore != nullptr && tree.ignore->may_hold_exceptions();
    if (!found.exists() || (ignored && !may_hold)) return not_there(tree, path);
    std::string real = found.path;
    sources.push_back({std::move(real), std::move(found)});
    return sources;
  }
  std::vector<std::string> matches;
  Source root;
  BERTH_TRY_OK(walk(tree, root, [&](const MergedDir&, const MergedDir::Entry&, const std::string& candidate) -> Status {
    if (pattern.matches(candidate)) matches.push_back(candidate);
    return {};
  }));
  if (matches.empty()) return make_error(fmt::format("nothing in {} matches \"{}\"", tree.name, printable(word)));
  for (const std::string& match : matches) {
    BERTH_TRY(Found found, find_path(tree.layers, match, true));
    if (!found.exists()) return not_there(tree, found.path);  // a link that leads nowhere
    sources.push_back({match, std::move(found)});
  }
  return sources;
}

Status walk(const SourceTree& tree, const Source& directory, const Visit& visit) {
  if (tree.layers.empty()) return {};
  BERTH_TRY(MergedDir dir, open_directory(tree, directory.found));
  const dockerfile::IgnoreRules* ignore = directory.from_elsewhere ? nullptr : tree.ignore;
  return Walk(tree, ignore, visit).directory(dir, "", directory.path);
}

Status hash_source(const SourceTree& tree, const Source& source, images::Sha256& hash) {
  hash.update(fmt::format("source {}\n", source.found.is_directory()));
  if (!source.identity.empty()) {
    hash.update(source.identity);
    return {};
  }
  if (!source.found.is_directory())
    return hash_entry(tree, *source.found.parent, source.found.entry, source.found.entry.name, hash);
  return walk(tree, source, [&](const MergedDir& dir, const MergedDir::Entry& entry, const std::string& path) {
    return hash_entry(tree, dir, entry, path, hash);
  });
}

}  // namespace berth::builder
