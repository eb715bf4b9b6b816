#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "sys/file.h"
#include "tests/support/temp_dir.h"
#include "volumes/bind_source.h"
#include "volumes/config_file.h"

using namespace berth;
using namespace berth::volumes;
using berth::test::TempDir;

TEST_CASE("a bind source that exists is taken as it is") {
  TempDir dir;
  REQUIRE(sys::write_file_atomic(dir / "file", "x", sys::Durability::none).ok());
  CHECK(prepare_bind_source(dir.path(), false)->is_directory);
  CHECK_FALSE(prepare_bind_source(dir / "file", true)->is_directory);
  CHECK_FALSE(prepare_bind_source(dir / "file", true)->created);
}

TEST_CASE("a bind source that is missing is made, or named with its nearest parent") {
  TempDir dir;
  Error error = prepare_bind_source(dir / "a/b", false).error();
  CHECK(error.message().find(dir / "a/b") != std::string::npos);
  CHECK(error.hint.find(dir.path() + " exists") != std::string::npos);
  BindSource made = prepare_bind_source(dir / "a/b", true).value();
  CHECK(made.created);
  struct stat info {};
  REQUIRE(stat((dir / "a/b").c_str(), &info) == 0);
  CHECK(S_ISDIR(info.st_mode));
}

TEST_CASE("a bind source that cannot be is an error") {
  TempDir dir;
  REQUIRE(sys::write_file_atomic(dir / "file", "x", sys::Durability::none).ok());
  REQUIRE(symlink((dir / "nowhere").c_str(), (dir / "dangling").c_str()) == 0);
  CHECK_FALSE(prepare_bind_source("relative/path", true).ok());
  CHECK_FALSE(prepare_bind_source("", true).ok());
  CHECK(prepare_bind_source(dir / "file/below", true).error().code == ENOTDIR);
  CHECK_FALSE(prepare_bind_source(dir / "dangling", true).ok());
}

TEST_CASE("a secret becomes a file with its owner and mode, whatever the umask, and replaces an older one") {
  TempDir dir;
  mode_t before = umask(0077);
  for (const char* content : {"first, and longer", "second"}) {
    auto path = write_config_file(dir / "secrets", {"password", content, geteuid(), getegid(), 0444});
    REQUIRE(path.ok());
    CHECK(*path == dir / "secrets/password");
    CHECK(sys::read_file(*path).value() == content);
  }
  umask(before);
  struct stat info {};
  REQUIRE(stat((dir / "secrets/password").c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0444);
  CHECK(sys::list_dir(dir / "secrets").value() == std::vector<std::string>{"password"});
}

TEST_CASE("a secret's name is a file name, and links in its place are replaced, not followed") {
  TempDir dir;
  for (const char* bad : {"", ".", "..", "a/b", "../x"})
    CHECK_FALSE(write_config_file(dir / "s", {bad, "x", geteuid(), getegid()}).ok());
  REQUIRE(sys::make_dirs(dir / "s").ok());
  REQUIRE(sys::write_file_atomic(dir / "canary", "alive", sys::Durability::none).ok());
  REQUIRE(symlink("../canary", (dir / "s/link").c_str()) == 0);
  REQUIRE(write_config_file(dir / "s", {"link", "secret", geteuid(), getegid()}).ok());
  CHECK(sys::read_file(dir / "canary").value() == "alive");
  CHECK(sys::read_file(dir / "s/link").value() == "secret");
}
