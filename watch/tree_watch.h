#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "sys/fd.h"

struct inotify_event;

namespace berth::watch {

/// Tells which files below some paths have changed, by inotify: a watch for each directory, and the names and states of
/// what is in it, so that a queue that has overflowed costs a look at the tree and no change.
class TreeWatch {
 public:
  /// Whether anything in a directory may matter; where nothing does it is neither read nor watched.
  using Enters = std::function<bool(const std::string& directory)>;

  /// `roots`: absolute, clean paths of directories or files. One need not be there: it is waited for, and waited for
  /// again when it goes. Symbolic links are not followed. Error: the kernel permits no (more) watches, with the setting
  /// that limits them.
  [[nodiscard]] static Result<TreeWatch> start(std::vector<std::string> roots, Enters enters);

  /// Readable when there is something to pump().
  [[nodiscard]] sys::FdRef fd() const { return notify_.ref(); }
  /// Takes in what the kernel has to tell, and follows new directories at once.
  void pump();
  /// Whether take() has something.
  [[nodiscard]] bool pending() const { return overflowed_ || !changed_.empty(); }
  /// Paths that have come, gone or become different since; of a directory that has come or gone all that is in it, too.
  [[nodiscard]] std::set<std::string> take();
  /// What could not be watched since the last call.
  [[nodiscard]] std::vector<Error> take_troubles();

  /// All that is there at the path and below it, itself included.
  [[nodiscard]] std::set<std::string> all_below(const std::string& path) const;

 private:
  struct Entry {
    std::string name;
    uint64_t state = 0;  // of type, mode, size, time and inode
  };
  struct Directory {
    int watch = -1;
    std::vector<Entry> entries;  // sorted by name
  };
  using Directories = std::map<std::string, Directory>;  // by path

  TreeWatch(sys::UniqueFd notify, std::vector<std::string> roots, Enters enters);
  void attach(const std::string& root);
  void scan(const std::string& directory);
  void forget(const std::string& path);
  void rescan();
  void on_event(const inotify_event& event);
  void refresh(const std::string& path);
  void note_state(const std::string& path);
  [[nodiscard]] int add(const std::string& directory);
  void drop(int watch, const std::string& directory);
  [[nodiscard]] bool in_roots(const std::string& path) const;
  void mark_missing(const Directories& from, const Directories& in);

  sys::UniqueFd notify_;
  std::vector<std::string> roots_;
  Enters enters_;
  Directories directories_;                       // those that are followed
  std::unordered_map<int, std::string> watches_;  // by descriptor: these, and what is above a root
  std::set<std::string> changed_;
  std::vector<Error> troubles_;
  bool overflowed_ = false;
};

}  // namespace berth::watch
