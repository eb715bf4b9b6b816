#include "watch/mirror.h"

#include <fcntl.h>

#include <catch2/catch.hpp>

#include "tests/watch/folder.h"

using namespace berth;
using namespace berth::watch;

namespace {

/// A host and a container's root.
struct Two {
  Folder host, root;

  Mirrored run(const Copies& copies, Owner owner = {getuid(), getgid()}) const {
    Copies absolute;
    for (const auto& [to, from] : copies) absolute[to] = host.at(from);
    Result<sys::UniqueFd> directory = sys::open_file(root.path, O_PATH | O_DIRECTORY);
    REQUIRE(directory.ok());
    return mirror(absolute, directory->ref(), owner);
  }
};

struct stat stat_of(const Folder& folder, const std::string& name) {
  struct stat info {};
  CHECK(lstat(folder.at(name).c_str(), &info) == 0);
  return info;
}

}  // namespace

TEST_CASE("files, directories and links become as they are on the host") {
  Two two;
  two.host.make("src/empty");
  two.host.write("src/run.sh", "#!/bin/sh");
  chmod(two.host.at("src/run.sh").c_str(), 0751);
  REQUIRE(symlink("run.sh", two.host.at("src/link").c_str()) == 0);
  const Mirrored done =
      two.run({{"/app/run.sh", "src/run.sh"}, {"/app/link", "src/link"}, {"/app/empty", "src/empty"}});
  CHECK(done.failures.empty());
  CHECK(done.changed == 3);
  CHECK(two.root.read("app/run.sh") == "#!/bin/sh");
  const struct stat from = stat_of(two.host, "src/run.sh"), to = stat_of(two.root, "app/run.sh");
  CHECK((to.st_mode & 07777) == 0751);
  CHECK(to.st_mtim.tv_sec == from.st_mtim.tv_sec);
  CHECK(to.st_mtim.tv_nsec == from.st_mtim.tv_nsec);
  CHECK(S_ISLNK(stat_of(two.root, "app/link").st_mode));
  CHECK(S_ISDIR(stat_of(two.root, "app/empty").st_mode));
  CHECK(sys::list_dir(two.root.at("app")).value_or({}).size() == 3);  // and no temporary file
}

TEST_CASE("what is gone on the host goes, with all that is in it") {
  Two two;
  two.root.make("app/old/deep");
  two.root.write("app/old/deep/file", "1");
  two.root.write("app/stays", "1");
  const Mirrored done = two.run({{"/app/old", "old"}, {"/app/never", "never"}, {"/none/at/all", "none"}});
  CHECK(done.failures.empty());
  CHECK(done.changed == 1);
  CHECK(sys::list_dir(two.root.at("app")).value_or({}) == std::vector<std::string>{"stays"});
}

TEST_CASE("a container's root is never taken for a file that has gone") {
  Two two;
  two.root.write("stays", "1");
  CHECK(two.run({{"/", "gone"}}).changed == 0);
  CHECK(two.root.read("stays") == "1");
}

TEST_CASE("a file takes a directory's place and the reverse") {
  Two two;
  two.host.write("one", "file");
  two.host.make("two");
  two.root.make("one/deep");
  two.root.write("two", "file");
  CHECK(two.run({{"/one", "one"}, {"/two", "two"}}).failures.empty());
  CHECK(two.root.read("one") == "file");
  CHECK(S_ISDIR(stat_of(two.root, "two").st_mode));
}

TEST_CASE("what is equal is not written again, but gets the time and mode of the host's") {
  Two two;
  two.host.write("same", "bytes");
  two.root.write("same", "bytes");
  const struct stat before = stat_of(two.root, "same");
  chmod(two.host.at("same").c_str(), 0700);
  CHECK(two.run({{"/same", "same"}}).changed == 0);
  const struct stat after = stat_of(two.root, "same");
  CHECK(after.st_ino == before.st_ino);
  CHECK((after.st_mode & 07777) == 0700);
  CHECK(after.st_mtim.tv_nsec == stat_of(two.host, "same").st_mtim.tv_nsec);
  two.host.write("same", "BYTES");
  CHECK(two.run({{"/same", "same"}}).changed == 1);
  CHECK(two.root.read("same") == "BYTES");
}

TEST_CASE("files belong to the container's user, and a directory that is there stays whose it is") {
  if (getuid() != 0) {
    WARN("SKIPPED: only root can give files away");
    return;
  }
  Two two;
  two.host.make("app/new");
  two.host.write("app/new/file", "1");
  two.root.make("app");
  CHECK(two.run({{"/app", "app"}, {"/app/new", "app/new"}, {"/app/new/file", "app/new/file"}}, {1234, 5678})
            .failures.empty());
  CHECK(stat_of(two.root, "app").st_uid == 0);
  CHECK(stat_of(two.root, "app/new").st_uid == 1234);
  CHECK(stat_of(two.root, "app/new/file").st_gid == 5678);
}

TEST_CASE("links in the container lead nowhere but into it") {
  Two two;
  Folder outside;
  outside.make("app");
  two.host.write("file", "new");
  two.host.write("through", "new");
  two.root.make("inside");
  REQUIRE(symlink(outside.path.c_str(), two.root.at("leads-out").c_str()) == 0);
  REQUIRE(symlink("../../../../../..", two.root.at("leads-up").c_str()) == 0);
  REQUIRE(symlink("/inside", two.root.at("leads-in").c_str()) == 0);
  two.root.make("app");
  outside.write("secret", "old");
  REQUIRE(symlink(outside.at("secret").c_str(), two.root.at("app/file").c_str()) == 0);
  (void)two.run({{"/leads-out/file", "file"},
                 {"/leads-up/app/up", "file"},
                 {"/leads-in/file", "through"},
                 {"/app/file", "file"},
                 {"/leads-out/app", "gone"}});
  CHECK(outside.read("secret") == "old");
  CHECK(sys::list_dir(outside.path).value_or({}) == std::vector<std::string>{"app", "secret"});
  CHECK(two.root.read("inside/file") == "new");
  CHECK(two.root.read("app/up") == "new");
  CHECK(two.root.read("app/file") == "new");  // in the place of the link
}

TEST_CASE("one that cannot be written does not keep the others from it") {
  Two two;
  two.host.write("a", "1");
  two.host.write("b", "1");
  two.root.write("blocked", "a file");
  const Mirrored done = two.run({{"/blocked/a", "a"}, {"/fine/b", "b"}});
  REQUIRE(done.failures.size() == 1);
  CHECK(done.failures.front().full().find("sync") != std::string::npos);
  CHECK(two.root.read("fine/b") == "1");
}

TEST_CASE("a FIFO in a file's place is neither read nor waited for") {
  Two two;
  two.host.write("file", "");
  REQUIRE(mkfifo(two.root.at("file").c_str(), 0644) == 0);
  CHECK(two.run({{"/file", "file"}}).failures.empty());
  CHECK(S_ISREG(stat_of(two.root, "file").st_mode));
}
