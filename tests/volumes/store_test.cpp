#include "volumes/store.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "sys/file.h"
#include "tests/support/temp_dir.h"

using namespace berth;
using namespace berth::volumes;
using berth::test::TempDir;

namespace {
struct Fixture {
  TempDir dir;
  VolumeStore store = VolumeStore::open_directory(dir / "volumes").value();
};
}  // namespace

TEST_CASE("a volume is made once, and making it again gives the same") {
  Fixture f;
  Volume first = f.store.create({"app_db", "local", {}, {{"com.docker.compose.project", "app"}}}).value();
  std::ofstream(first.data_dir + "/file") << "kept";
  Volume again = f.store.create({"app_db", "local", {}, {{"other", "label"}}}).value();
  CHECK(again == first);
  CHECK(f.store.inspect("app_db").value() == first);
  CHECK(sys::read_file(again.data_dir + "/file").value() == "kept");
  CHECK(first.data_dir == f.dir / "volumes/app_db/_data");
  CHECK_FALSE(first.populated);
  struct stat info {};
  REQUIRE(stat(first.data_dir.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0755);
  REQUIRE(stat((f.dir / "volumes").c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0700);
}

TEST_CASE("names that are paths, or nothing, are refused") {
  Fixture f;
  for (const std::string& bad : {std::string(), std::string("."), std::string(".."), std::string("../x"),
                                 std::string("a/b"), std::string(".lock"), std::string("-a"), std::string("_a"),
                                 std::string("a b"), std::string("a\n"), std::string("ä"), std::string(256, 'a')}) {
    CAPTURE(bad);
    CHECK_FALSE(f.store.create({bad}).ok());
    CHECK_FALSE(f.store.inspect(bad).ok());
    CHECK_FALSE(f.store.remove(bad).ok());
  }
  CHECK(f.store.create({"A0_.-z"}).ok());
  CHECK(f.store.create({std::string(255, 'a')}).ok());
}

TEST_CASE("volumes are listed by their labels") {
  Fixture f;
  REQUIRE(f.store.create({"b", "local", {}, {{"project", "one"}, {"x", ""}}}).ok());
  REQUIRE(f.store.create({"a", "local", {}, {{"project", "one"}}}).ok());
  REQUIRE(f.store.create({"c", "local", {}, {{"project", "two"}}}).ok());
  auto names = [&](const std::map<std::string, std::string>& filter) {
    std::string all;
    std::vector<Volume> volumes = f.store.list(filter).value();
    for (const Volume& volume : volumes) all += volume.name;
    return all;
  };
  CHECK(names({}) == "abc");
  CHECK(names({{"project", "one"}}) == "ab");
  CHECK(names({{"project", ""}}) == "abc");
  CHECK(names({{"project", "one"}, {"x", ""}}) == "b");
  CHECK(names({{"nope", ""}}).empty());
}

TEST_CASE("a removed volume is gone with its data, and removing it again is fine") {
  Fixture f;
  Volume volume = f.store.create({"v"}).value();
  REQUIRE(sys::make_dirs(volume.data_dir + "/deep/er").ok());
  REQUIRE(f.store.remove("v").ok());
  REQUIRE(f.store.remove("v").ok());
  CHECK(sys::list_dir(f.dir / "volumes").value() == std::vector<std::string>{".lock"});
  Error error = f.store.inspect("v").error();
  CHECK(error.code == ENOENT);
}

TEST_CASE("a name that is nearly right is suggested") {
  Fixture f;
  REQUIRE(f.store.create({"guestbook_pgdata"}).ok());
  CHECK(f.store.inspect("guestbook_pgdat").error().hint.find("guestbook_pgdata") != std::string::npos);
}

TEST_CASE("other drivers and other options are errors") {
  Fixture f;
  CHECK_FALSE(f.store.create({"v", "rexray"}).ok());
  REQUIRE(f.store.create({"v", "local", {{"type", "tmpfs"}}}).ok());
  CHECK(f.store.create({"v", "local", {{"type", "tmpfs"}}}).ok());
  CHECK_FALSE(f.store.create({"v", "local", {}}).ok());
}

TEST_CASE("damaged metadata is reported by name and hides nothing else") {
  Fixture f;
  REQUIRE(f.store.create({"good"}).ok());
  REQUIRE(f.store.create({"bad"}).ok());
  REQUIRE(f.store.create({"newer"}).ok());
  std::ofstream(f.dir / "volumes/bad/volume.json") << "{\"version\": 1";
  std::ofstream(f.dir / "volumes/newer/volume.json") << "{\"version\": 2}";
  std::vector<Error> damaged;
  CHECK(f.store.list({}, &damaged)->size() == 1);
  REQUIRE(damaged.size() == 2);
  CHECK(damaged[0].message().find("bad/volume.json") != std::string::npos);
  CHECK(damaged[1].message().find("newer berth") != std::string::npos);
}

TEST_CASE("what a crash left under a temporary name is never a volume and is swept") {
  Fixture f;
  REQUIRE(sys::make_dirs(f.dir / "volumes/.tmp-crashed/_data/x").ok());
  CHECK(f.store.list()->empty());
  REQUIRE(f.store.create({"v"}).ok());
  CHECK_FALSE(sys::exists(f.dir / "volumes/.tmp-crashed"));
}
