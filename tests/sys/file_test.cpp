#include "sys/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/support/temp_dir.h"

using namespace berth;
using namespace berth::sys;
using berth::test::TempDir;

TEST_CASE("an atomic write replaces the file and leaves no temporary behind") {
  TempDir dir;
  std::string path = dir / "state.json";
  REQUIRE(write_file_atomic(path, "one", Durability::disk).ok());
  REQUIRE(write_file_atomic(path, "two", Durability::none, 0600).ok());
  CHECK(read_file(path).value() == "two");
  CHECK(list_dir(dir.path()).value() == std::vector<std::string>{"state.json"});
  struct stat info {};
  REQUIRE(stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
}

TEST_CASE("a failed atomic write names the file and keeps the old content") {
  TempDir dir;
  REQUIRE(mkdir((dir / "taken").c_str(), 0755) == 0);
  Status status = write_file_atomic(dir / "taken", "x", Durability::none);
  REQUIRE_FALSE(status.ok());
  CHECK(status.error().message().find("taken") != std::string::npos);
  CHECK(list_dir(dir.path()).value() == std::vector<std::string>{"taken"});
}

TEST_CASE("reading stops at the limit") {
  TempDir dir;
  REQUIRE(write_file_atomic(dir / "big", std::string(100, 'x'), Durability::none).ok());
  CHECK(read_file(dir / "big", 100).value().size() == 100);
  CHECK(read_file(dir / "big", 99).error().code == EFBIG);
}

TEST_CASE("open_in_root never leaves its root") {
  TempDir dir;
  REQUIRE(make_dirs(dir / "root/etc").ok());
  REQUIRE(write_file_atomic(dir / "root/etc/passwd", "inside", Durability::none).ok());
  REQUIRE(symlink("/etc/passwd", (dir / "root/absolute").c_str()) == 0);
  REQUIRE(symlink("../../../../../../etc/passwd", (dir / "root/dots").c_str()) == 0);
  REQUIRE(symlink("/proc/self/root/etc/passwd", (dir / "root/magic").c_str()) == 0);
  UniqueFd root = open_file(dir / "root", O_PATH | O_DIRECTORY).value();
  for (const char* name : {"absolute", "dots", "/etc/passwd", "../etc/passwd"}) {
    UniqueFd fd = open_in_root(root.ref(), name, O_RDONLY).value();
    CHECK(read_all(fd.ref()).value() == "inside");
  }
  CHECK_FALSE(open_in_root(root.ref(), "magic", O_RDONLY).ok());
}

TEST_CASE("remove_tree removes links, not what they point to") {
  TempDir dir;
  REQUIRE(make_dirs(dir / "keep").ok());
  REQUIRE(write_file_atomic(dir / "keep/file", "x", Durability::none).ok());
  REQUIRE(make_dirs(dir / "tree/a/b").ok());
  REQUIRE(symlink((dir / "keep").c_str(), (dir / "tree/a/link").c_str()) == 0);
  REQUIRE(remove_tree(dir / "tree").ok());
  CHECK_FALSE(exists(dir / "tree"));
  CHECK(exists(dir / "keep/file"));
  CHECK(remove_tree(dir / "tree").ok());
}

TEST_CASE("a memory file is sealed") {
  UniqueFd fd = memory_file("test", "hello").value();
  CHECK(read_all(fd.ref()).value() == "hello");
  CHECK(write(fd.get(), "x", 1) < 0);
}
