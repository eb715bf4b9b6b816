#include "watch/tree_watch.h"

#include <poll.h>
#include <sys/resource.h>

#include <catch2/catch.hpp>

#include "base/text.h"
#include "tests/watch/folder.h"

using namespace berth;
using namespace berth::watch;

namespace {

using Paths = std::set<std::string>;

TreeWatch watched(
    std::vector<std::string> roots, TreeWatch::Enters enters = [](auto&) { return true; }) {
  Result<TreeWatch> made = TreeWatch::start(std::move(roots), std::move(enters));
  REQUIRE(made.ok());
  CHECK_FALSE(made->pending());
  return std::move(*made);
}

/// Events of what this process has done are there when the system call returns.
Paths changes(TreeWatch& tree) {
  tree.pump();
  return tree.take();
}

}  // namespace

TEST_CASE("files that are written, made, removed and renamed have changed") {
  Folder folder;
  folder.make("sub/deep");
  folder.write("sub/deep/old", "1");
  folder.write("gone", "1");
  folder.write("before", "1");
  TreeWatch tree = watched({folder.path});
  folder.write("sub/deep/old", "2");
  folder.write("new", "1");
  unlink(folder.at("gone").c_str());
  folder.rename("before", "after");
  CHECK(changes(tree) ==
        Paths{folder.at("sub/deep/old"), folder.at("new"), folder.at("gone"), folder.at("before"), folder.at("after")});
  CHECK(changes(tree).empty());
}

TEST_CASE("reading changes nothing, a change of the mode does") {
  Folder folder;
  folder.write("file", "1");
  TreeWatch tree = watched({folder.path});
  CHECK(folder.read("file") == "1");
  CHECK(changes(tree).empty());
  REQUIRE(chmod(folder.at("file").c_str(), 0755) == 0);
  CHECK(changes(tree) == Paths{folder.at("file")});
}

TEST_CASE("what is in a new directory is told, and what comes later") {
  Folder folder;
  TreeWatch tree = watched({folder.path});
  folder.make("a/b/c");
  folder.write("a/b/c/one", "1");
  CHECK(changes(tree) == Paths{folder.at("a"), folder.at("a/b"), folder.at("a/b/c"), folder.at("a/b/c/one")});
  folder.write("a/b/c/two", "1");
  folder.write("a/b/three", "1");
  CHECK(changes(tree) == Paths{folder.at("a/b/c/two"), folder.at("a/b/three")});
}

TEST_CASE("a directory that moves is told with all that is in it") {
  Folder folder, elsewhere;
  folder.make("in/a/b");
  folder.write("in/a/b/file", "1");
  TreeWatch tree = watched({folder.path});
  folder.rename("in/a", "in/z");
  CHECK(changes(tree) == Paths{folder.at("in/a"), folder.at("in/a/b"), folder.at("in/a/b/file"), folder.at("in/z"),
                               folder.at("in/z/b"), folder.at("in/z/b/file")});
  folder.write("in/z/b/file", "2");
  CHECK(changes(tree) == Paths{folder.at("in/z/b/file")});
  REQUIRE(rename(folder.at("in/z").c_str(), elsewhere.at("z").c_str()) == 0);
  CHECK(changes(tree) == Paths{folder.at("in/z"), folder.at("in/z/b"), folder.at("in/z/b/file")});
  elsewhere.write("z/b/file", "3");
  CHECK(changes(tree).empty());
  REQUIRE(rename(elsewhere.at("z").c_str(), folder.at("back").c_str()) == 0);
  CHECK(changes(tree) == Paths{folder.at("back"), folder.at("back/b"), folder.at("back/b/file")});
}

TEST_CASE("two directories that change places are followed to their new ones") {
  Folder folder;
  folder.make("a");
  folder.make("b");
  TreeWatch tree = watched({folder.path});
  folder.rename("a", "c");
  folder.rename("b", "a");
  folder.rename("c", "b");
  (void)changes(tree);
  folder.write("a/one", "1");
  folder.write("b/two", "1");
  CHECK(changes(tree) == Paths{folder.at("a/one"), folder.at("b/two")});
}

TEST_CASE("a directory that nobody enters is neither read nor watched") {
  Folder folder;
  folder.make("node_modules/x");
  TreeWatch tree = watched({folder.path}, [&](const std::string& path) { return path != folder.at("node_modules"); });
  folder.write("node_modules/x/file", "1");
  folder.make("node_modules/y");
  CHECK(changes(tree).empty());
}

TEST_CASE("a root that is a file is told of, and what stands beside it is not") {
  Folder folder;
  folder.write("package.json", "1");
  TreeWatch tree = watched({folder.at("package.json")});
  folder.write("other", "1");
  CHECK(changes(tree).empty());
  folder.write("package.json.new", "2");  // as editors save
  folder.rename("package.json.new", "package.json");
  CHECK(changes(tree) == Paths{folder.at("package.json")});
}

TEST_CASE("a root that is not there, or goes, is waited for") {
  Folder folder;
  TreeWatch tree = watched({folder.at("a/b/src"), folder.at("a/b/one.conf")});
  folder.make("a/b/src");
  folder.write("a/b/src/file", "1");
  CHECK(changes(tree).contains(folder.at("a/b/src/file")));
  folder.write("a/b/one.conf", "1");
  CHECK(changes(tree) == Paths{folder.at("a/b/one.conf")});
  REQUIRE(sys::remove_tree(folder.at("a")).ok());
  Paths gone = changes(tree);
  CHECK(gone.contains(folder.at("a/b/src/file")));
  CHECK(gone.contains(folder.at("a/b/one.conf")));
  folder.make("a/b/src/deep");
  (void)changes(tree);
  folder.write("a/b/src/deep/again", "1");
  folder.write("a/b/one.conf", "2");
  CHECK(changes(tree) == Paths{folder.at("a/b/src/deep/again"), folder.at("a/b/one.conf")});
}

TEST_CASE("a root within what another one does not enter is watched all the same") {
  Folder folder;
  folder.make("skipped/wanted");
  TreeWatch tree = watched({folder.path, folder.at("skipped/wanted")}, [&](const std::string& path) {
    return !path.starts_with(folder.at("skipped")) || path.starts_with(folder.at("skipped/wanted"));
  });
  folder.write("skipped/wanted/file", "1");
  CHECK(changes(tree) == Paths{folder.at("skipped/wanted/file")});
  folder.rename("skipped", "away");
  folder.make("skipped/wanted");
  (void)changes(tree);
  folder.write("skipped/wanted/again", "1");
  CHECK(changes(tree) == Paths{folder.at("skipped/wanted/again")});
}

TEST_CASE("a queue that overflows costs no change") {
  const std::string limit = sys::read_file("/proc/sys/fs/inotify/max_queued_events").value_or("16384");
  const auto events = static_cast<size_t>(parse_unsigned(trim(limit)).value_or(16384));
  Folder folder;
  folder.make("a/b");
  folder.make("noise");
  folder.write("a/b/removed", "1");
  folder.write("a/b/written", "1");
  folder.write("a/moved", "1");
  folder.write("noise/x", "1");
  TreeWatch tree = watched({folder.path});
  for (size_t i = 0; i <= events; ++i)
    folder.rename(i % 2 == 0 ? "noise/x" : "noise/y", i % 2 == 0 ? "noise/y" : "noise/x");
  unlink(folder.at("a/b/removed").c_str());
  folder.write("a/b/written", "22");
  folder.rename("a/moved", "a/here");
  folder.make("new/deep");
  folder.write("new/deep/file", "1");
  Paths changed = changes(tree);
  for (const char* name : {"a/b/removed", "a/b/written", "a/moved", "a/here", "new", "new/deep", "new/deep/file"}) {
    INFO(name);
    CHECK(changed.contains(folder.at(name)));
  }
  folder.write("new/deep/later", "1");
  folder.write("a/b/later", "1");
  CHECK(changes(tree) == Paths{folder.at("new/deep/later"), folder.at("a/b/later")});
}

TEST_CASE("all that is below a path") {
  Folder folder;
  folder.make("src/deep");
  folder.make("src-2");
  folder.write("src/a", "1");
  folder.write("src/deep/b", "1");
  folder.write("src-2/c", "1");
  TreeWatch tree = watched({folder.path});
  CHECK(tree.all_below(folder.at("src")) ==
        Paths{folder.at("src"), folder.at("src/a"), folder.at("src/deep"), folder.at("src/deep/b")});
  CHECK(tree.all_below(folder.at("src/a")) == Paths{folder.at("src/a")});
  CHECK(tree.all_below(folder.at("none")).empty());
}
