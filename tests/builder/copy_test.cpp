#include "builder/copy.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "builder/step_key.h"
#include "sys/file.h"
#include "tests/support/temp_dir.h"

using namespace berth;
using namespace berth::builder;
using berth::test::TempDir;

namespace {

mode_t changed(const std::string& text, mode_t mode) {
  return mode_change(text).value()(mode);
}

void write(const std::string& path, const std::string& content) {
  REQUIRE(sys::make_dirs(path.substr(0, path.rfind('/'))).ok());
  std::ofstream(path) << content;
}

std::string hash_of(const SourceTree& tree, const std::string& word) {
  images::Sha256 hash;
  std::vector<Source> sources = find_sources(tree, word).value();
  for (const Source& source : sources) REQUIRE(hash_source(tree, source, hash).ok());
  return hash.digest().str();
}

}  // namespace

TEST_CASE("what --chmod does") {
  CHECK(changed("0755", 0644) == 0755);
  CHECK(changed("u+x", 0644) == 0744);
  CHECK(changed("u=rwX,go=rX", 0600) == 0644);
  CHECK(changed("u=rwX,go=rX", 0700) == 0755);
  CHECK(changed("a-w", 0666) == 0444);
  CHECK(changed("+x", 0644) == 0755);
  CHECK(changed("u+s", 0755) == 04755);
  CHECK_FALSE(mode_change("9").ok());
  CHECK_FALSE(mode_change("u?x").ok());
}

TEST_CASE("paths are followed inside the stacked layers") {
  TempDir dir;
  write(dir / "lower/real/file", "x");
  REQUIRE(symlink("/real", (dir / "lower/link").c_str()) == 0);
  REQUIRE(symlink("../../../etc", (dir / "lower/out").c_str()) == 0);
  write(dir / "upper/real/more", "x");
  std::vector<std::string> layers = {dir / "upper", dir / "lower"};
  CHECK(find_path(layers, "/link/file", true).value().path == "real/file");
  CHECK(find_path(layers, "link", true).value().path == "real");
  CHECK(find_path(layers, "link", false).value().path == "link");
  CHECK(find_path(layers, "link/more", true).value().exists());
  CHECK(find_path(layers, "out/passwd", true).value().path == "etc/passwd");
  CHECK_FALSE(find_path(layers, "out/passwd", true).value().exists());
  CHECK(find_path(layers, "not/there/yet", true).value().path == "not/there/yet");
  CHECK_FALSE(find_path(layers, "real/file/x", true).ok());
  CHECK(find_path({}, "a/b", true).value().path == "a/b");
  CHECK(find_path(layers, "/", true).value().is_directory());
}

TEST_CASE("sources by pattern, and what is missing") {
  TempDir dir;
  write(dir / "a.txt", "a");
  write(dir / "b.txt", "b");
  write(dir / "sub/c.txt", "c");
  Diagnostics diagnostics;
  dockerfile::IgnoreRules ignore = dockerfile::IgnoreRules::parse(".dockerignore", "b.txt\n", diagnostics);
  SourceTree tree{"the build context", {dir.path()}, &ignore, {}, false};
  std::vector<Source> found = find_sources(tree, "*.txt").value();
  REQUIRE(found.size() == 1);
  CHECK(found[0].path == "a.txt");
  CHECK(find_sources(tree, "sub/?.txt").value().size() == 1);
  CHECK(find_sources(tree, "b.txt").error().what.find(".dockerignore") != std::string::npos);
  CHECK(find_sources(tree, "sub/d.txt").error().hint == "did you mean \"sub/c.txt\"?");
  CHECK_FALSE(find_sources(tree, "*.c").ok());
  REQUIRE(symlink("/not/there", (dir / "dangling").c_str()) == 0);
  CHECK(find_sources(tree, "dang*").error().what == "\"not/there\" is not in the build context");
}

TEST_CASE("what is taken back from an ignored directory brings the directory along") {
  TempDir dir;
  for (const char* path : {"docs/deep/keep", "docs/deep/drop", "docs/none/x", "other"}) write(dir / path, "x");
  Diagnostics diagnostics;
  dockerfile::IgnoreRules ignore =
      dockerfile::IgnoreRules::parse(".dockerignore", "docs\n!docs/deep/keep\n", diagnostics);
  SourceTree tree{"the build context", {dir.path()}, &ignore, {}, false};
  std::vector<std::string> seen;
  Source root;
  REQUIRE(walk(tree, root, [&](const auto&, const auto&, const std::string& path) -> Status {
            seen.push_back(path);
            return {};
          }).ok());
  CHECK(seen == std::vector<std::string>{"docs", "docs/deep", "docs/deep/keep", "other"});
}

TEST_CASE("the hash of a source is of content, names and modes, and never of times") {
  TempDir dir;
  write(dir / "tree/file", "x");
  SourceTree tree{"the build context", {dir.path()}, nullptr, {}, false};
  std::string before = hash_of(tree, "tree");
  timespec old[2] = {{1, 0}, {1, 0}};
  REQUIRE(utimensat(AT_FDCWD, (dir / "tree/file").c_str(), old, 0) == 0);
  CHECK(hash_of(tree, "tree") == before);
  REQUIRE(chmod((dir / "tree/file").c_str(), 0700) == 0);
  CHECK(hash_of(tree, "tree") != before);
  REQUIRE(chmod((dir / "tree/file").c_str(), 0644) == 0);
  CHECK(hash_of(tree, "tree") == before);
  write(dir / "tree/file", "y");
  CHECK(hash_of(tree, "tree") != before);
}

TEST_CASE("extended attributes count where they are copied") {
  TempDir dir;
  write(dir / "file", "x");
  SourceTree context{"the build context", {dir.path()}, nullptr, {}, false};
  SourceTree stage{"the stage", {dir.path()}, nullptr, {}, true};
  std::string of_context = hash_of(context, "file"), of_stage = hash_of(stage, "file");
  REQUIRE(setxattr((dir / "file").c_str(), "user.colour", "blue", 4, 0) == 0);
  CHECK(hash_of(context, "file") == of_context);
  CHECK(hash_of(stage, "file") != of_stage);
}

TEST_CASE("no two lists of parts give the same key") {
  images::Digest below = images::sha256_of("below");
  auto key = [&](const std::vector<std::string>& parts) { return StepKey(below, "RUN").add(parts).digest(); };
  CHECK(key({"ab", "c"}) != key({"a", "bc"}));
  CHECK(key({"a", ""}) != key({"a"}));
  CHECK(StepKey(below, "RUN").digest() != StepKey(images::sha256_of("other"), "RUN").digest());
}

TEST_CASE("ports and durations of a Dockerfile") {
  CHECK(exposed_ports("80").value() == std::vector<std::string>{"80/tcp"});
  CHECK(exposed_ports("80-81/UDP").value() == std::vector<std::string>{"80/udp", "81/udp"});
  CHECK_FALSE(exposed_ports("0").ok());
  CHECK_FALSE(exposed_ports("81-80").ok());
  CHECK_FALSE(exposed_ports("80/http").ok());
  CHECK(go_duration("1m30s").value() == std::chrono::seconds(90));
  CHECK(go_duration("1.5s").value() == std::chrono::milliseconds(1500));
  CHECK_FALSE(go_duration("30").ok());
  CHECK_FALSE(go_duration("").ok());
}
