#include "watch/tree_watch.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "base/text.h"
#include "sys/directory.h"
#include "sys/file.h"
#include "watch/rule.h"

namespace berth::watch {
namespace {

constexpr uint32_t kMask = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_MODIFY | IN_CLOSE_WRITE |
                           IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK;
constexpr size_t kBuffer = 64 * 1024;

/// Times of files are no finer than the kernel's tick: one that was written twice in a tick looks the same both times.
constexpr time_t kRecentSeconds = 2;

uint64_t state_of(const struct stat& info) {
  uint64_t hash = 1469598103934665603u;
  auto mix = [&](uint64_t value) { hash = (hash ^ value) * 1099511628211u; };
  mix(info.st_mode);
  mix(info.st_ino);
  if (S_ISDIR(info.st_mode)) return hash;  // what is in it has states of its own
  mix(static_cast<uint64_t>(info.st_size));
  mix(static_cast<uint64_t>(info.st_mtim.tv_sec));
  mix(static_cast<uint64_t>(info.st_mtim.tv_nsec));
  return hash;
}

bool is_directory(const std::string& path) {
  struct stat info {};
  return lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

std::string parent_of(const std::string& path) {
  size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

std::string child_of(const std::string& directory, std::string_view name) {
  return (directory == "/" ? "" : directory) + "/" + std::string(name);
}

Error limit_error(const std::string& what, const char* setting, int code) {
  std::string path = std::string("/proc/sys/fs/inotify/") + setting;
  std::string limit(trim(sys::read_file(path).value_or("")));
  Error error = sys_error(what, code);
  error.hint = fmt::format(
      "the kernel permits {} (fs.inotify.{}): raise it, as with `sysctl fs.inotify.{}=524288`, or "
      "leave directories out with `ignore`",
      limit.empty() ? "no more" : limit, setting, setting);
  return error;
}

template <class Entries>
auto place_of(Entries& entries, const std::string& name) {
  return std::lower_bound(entries.begin(), entries.end(), name,
                          [](const auto& entry, const std::string& wanted) { return entry.name < wanted; });
}

}  // namespace

TreeWatch::TreeWatch(sys::UniqueFd notify, std::vector<std::string> roots, Enters enters)
    : notify_(std::move(notify)), roots_(std::move(roots)), enters_(std::move(enters)) {}

Result<TreeWatch> TreeWatch::start(std::vector<std::string> roots, Enters enters) {
  sys::UniqueFd notify(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!notify.valid() && errno == EMFILE) return limit_error("watch files", "max_user_instances", EMFILE);
  if (!notify.valid()) return sys_error("inotify_init1", errno);
  TreeWatch watch(std::move(notify), std::move(roots), std::move(enters));
  for (const std::string& root : watch.roots_) watch.attach(root);
  for (Error& trouble : watch.troubles_) {
    if (trouble.code == ENOSPC) return std::move(trouble);
  }
  watch.changed_.clear();  // what is there already has not changed
  return watch;
}

/// Watches one directory. -1 if that cannot be.
int TreeWatch::add(const std::string& directory) {
  int watch = inotify_add_watch(notify_.get(), directory.c_str(), kMask);
  if (watch >= 0) {
    watches_[watch] = directory;
    return watch;
  }
  if (errno == ENOENT || errno == ENOTDIR) return -1;  // no matter: what becomes of it is told by what it is in
  const bool told = std::any_of(troubles_.begin(), troubles_.end(), [](auto& one) { return one.code == ENOSPC; });
  if (errno != ENOSPC)
    troubles_.push_back(sys_error("watch " + printable(directory), errno));
  else if (!told)
    troubles_.push_back(limit_error("watch " + printable(directory), "max_user_watches", ENOSPC));
  return -1;
}

/// No more events of this watch, if it is still this directory's.
void TreeWatch::drop(int watch, const std::string& directory) {
  auto at = watches_.find(watch);
  if (at == watches_.end() || at->second != directory) return;
  (void)inotify_rm_watch(notify_.get(), watch);  // gone by itself if the directory has
  watches_.erase(at);
}

bool TreeWatch::in_roots(const std::string& path) const {
  return std::any_of(roots_.begin(), roots_.end(), [&](const std::string& root) { return is_within(path, root); });
}

/// The root with all that is in it, and the directory in which it would come again after it has gone.
void TreeWatch::attach(const std::string& root) {
  std::string above = parent_of(root);
  while (add(above) < 0 && above != "/") above = parent_of(above);
  if (!directories_.contains(root) && is_directory(root)) scan(root);
}

void TreeWatch::scan(const std::string& directory) {
  if (!enters_(directory)) return;
  // Watched before it is read: what comes after the reading is told.
  const int watch = add(directory);
  if (watch < 0) return;
  Result<sys::UniqueFd> opened = sys::open_file(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  Result<std::vector<std::string>> names = std::vector<std::string>();
  if (opened)
    names = sys::names_in(opened->ref());
  else
    names = std::move(opened).error();
  if (!names) {
    if (names.error().code != ENOENT) troubles_.push_back(std::move(names).error());
    return;
  }
  const time_t now = time(nullptr);
  std::vector<Entry> entries;
  entries.reserve(names->size());
  std::vector<std::string> below;
  for (std::string& name : *names) {
    struct stat info {};
    if (fstatat(opened->get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) continue;  // gone again
    std::string path = child_of(directory, name);
    const bool folder = S_ISDIR(info.st_mode);
    if (folder) below.push_back(path);
    // After an overflow only differences count, and what is too fresh to be compared.
    if (!overflowed_ || (!folder && info.st_mtim.tv_sec + kRecentSeconds >= now)) changed_.insert(std::move(path));
    entries.push_back({std::move(name), state_of(info)});
  }
  directories_[directory] = {watch, std::move(entries)};
  opened->reset();  // not one for each level
  for (const std::string& path : below) scan(path);
}

/// What was at the path is there no more.
void TreeWatch::forget(const std::string& path) {
  auto leave = [&](Directories::iterator at) {
    for (const Entry& entry : at->second.entries) changed_.insert(child_of(at->first, entry.name));
    drop(at->second.watch, at->first);
    return directories_.erase(at);
  };
  if (auto at = directories_.find(path); at != directories_.end()) leave(at);
  const std::string prefix = path + "/";
  for (auto at = directories_.lower_bound(prefix); at != directories_.end() && at->first.starts_with(prefix);)
    at = leave(at);
}

/// A directory has come to this path or gone from it.
void TreeWatch::refresh(const std::string& path) {
  forget(path);
  if (is_directory(path)) scan(path);
}

void TreeWatch::on_event(const inotify_event& event) {
  if ((event.mask & IN_Q_OVERFLOW) != 0) {
    overflowed_ = true;
    return;
  }
  auto watch = watches_.find(event.wd);
  if (watch == watches_.end()) return;
  const std::string directory = watch->second;
  if ((event.mask & IN_IGNORED) != 0) watches_.erase(watch);
  if ((event.mask & IN_MOVE_SELF) != 0) drop(event.wd, directory);  // nobody knows by which name it goes now
  const std::string path = event.len > 0 ? child_of(directory, event.name) : directory;
  // Of a directory itself what it is in tells, too.
  if (event.len > 0 && in_roots(path)) {
    changed_.insert(path);
    const bool came = (event.mask & IN_MOVED_TO) != 0, went = (event.mask & (IN_DELETE | IN_MOVED_FROM)) != 0;
    // One that was made may be known already, by a look into what it was made in.
    const bool made = (event.mask & IN_CREATE) != 0 && !directories_.contains(path);
    if ((event.mask & IN_ISDIR) != 0 && (came || went || made)) refresh(path);
  }
  constexpr uint32_t kComeOrGone = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF;
  if ((event.mask & kComeOrGone) == 0) return;
  for (const std::string& root : roots_) {
    if (root == path || !is_within(root, path)) continue;
    if (!is_directory(root)) forget(root);
    attach(root);
    changed_.insert(root);
  }
}

void TreeWatch::pump() {
  alignas(inotify_event) char buffer[kBuffer];
  for (;;) {
    ssize_t size = read(notify_.get(), buffer, sizeof buffer);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return;
    for (ssize_t at = 0; at < size;) {
      const auto& event = *reinterpret_cast<const inotify_event*>(buffer + at);
      on_event(event);
      at += static_cast<ssize_t>(sizeof event + event.len);
    }
  }
}

/// In the directory's list, what the path is now.
void TreeWatch::note_state(const std::string& path) {
  auto directory = directories_.find(parent_of(path));
  if (directory == directories_.end()) return;
  std::vector<Entry>& entries = directory->second.entries;
  const std::string name = path.substr(path.rfind('/') + 1);
  auto at = place_of(entries, name);
  const bool known = at != entries.end() && at->name == name;
  struct stat info {};
  const bool there = lstat(path.c_str(), &info) == 0;
  if (there && known)
    at->state = state_of(info);
  else if (there)
    entries.insert(at, {name, state_of(info)});
  else if (known)
    entries.erase(at);
}

/// As changed, what is not the same in both.
void TreeWatch::mark_missing(const Directories& from, const Directories& in) {
  for (const auto& [path, directory] : from) {
    auto other = in.find(path);
    for (const Entry& entry : directory.entries) {
      if (other != in.end()) {
        auto at = place_of(other->second.entries, entry.name);
        if (at != other->second.entries.end() && at->name == entry.name && at->state == entry.state) continue;
      }
      changed_.insert(child_of(path, entry.name));
    }
  }
}

/// Events were lost: everything is looked at, and what is different from what was known has changed.
void TreeWatch::rescan() {
  const Directories before = std::exchange(directories_, {});
  const auto watches = std::exchange(watches_, {});
  for (const std::string& root : roots_) {
    attach(root);
    if (!directories_.contains(root)) changed_.insert(root);  // a file, of which nothing is known
  }
  for (const auto& [watch, directory] : watches) {
    if (!watches_.contains(watch)) (void)inotify_rm_watch(notify_.get(), watch);  // gone by itself, perhaps
  }
  mark_missing(before, directories_);
  mark_missing(directories_, before);
  overflowed_ = false;
}

std::set<std::string> TreeWatch::take() {
  if (overflowed_) rescan();
  std::set<std::string> changed = std::move(changed_);
  changed_.clear();
  for (const std::string& path : changed) note_state(path);
  return changed;
}

std::vector<Error> TreeWatch::take_troubles() {
  return std::exchange(troubles_, {});
}

std::set<std::string> TreeWatch::all_below(const std::string& path) const {
  std::set<std::string> all;
  if (sys::exists(path)) all.insert(path);
  auto add_entries = [&](const auto& directory) {
    for (const Entry& entry : directory.second.entries) all.insert(child_of(directory.first, entry.name));
  };
  if (auto at = directories_.find(path); at != directories_.end()) add_entries(*at);
  const std::string prefix = path == "/" ? path : path + "/";
  for (auto at = directories_.lower_bound(prefix); at != directories_.end() && at->first.starts_with(prefix); ++at)
    add_entries(*at);
  return all;
}

}  // namespace berth::watch
