#include "images/layer_unpack.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>

#include "images/unpack_process.h"
#include "sys/file.h"
#include "tests/images/tar_builder.h"
#include "tests/support/temp_dir.h"

using namespace berth;
using namespace berth::images;
using berth::test::source_of;
using berth::test::TarBuilder;
using berth::test::TempDir;

namespace {

/// A layer's root inside a directory with a canary beside it that nobody may touch.
class Tree {
 public:
  Tree() {
    REQUIRE(sys::make_dirs(root()).ok());
    REQUIRE(sys::make_dirs(dir_ / "outside").ok());
    REQUIRE(sys::write_file_atomic(dir_ / "outside/canary", "alive", sys::Durability::none, 0640).ok());
  }

  Result<UnpackResult> unpack(const std::string& tar, UnpackOptions options = {}) {
    sys::UniqueFd fd = sys::open_file(root(), O_RDONLY | O_DIRECTORY).value();
    return unpack_layer(source_of(tar), fd.ref(), options);
  }
  /// Unpacks, and looks whether anything but the root changed.
  Result<UnpackResult> attack(const std::string& tar) {
    auto result = unpack(tar);
    CHECK(sys::read_file(dir_ / "outside/canary").value() == "alive");
    struct stat info {};
    REQUIRE(stat((dir_ / "outside/canary").c_str(), &info) == 0);
    CHECK((info.st_mode & 07777) == 0640);
    CHECK(info.st_nlink == 1);
    CHECK(sys::list_dir(dir_ / "outside").value() == std::vector<std::string>{"canary"});
    CHECK(sys::list_dir(dir_.path()).value() == std::vector<std::string>{"outside", "root"});
    REQUIRE(lstat(root().c_str(), &info) == 0);
    CHECK(S_ISDIR(info.st_mode));
    return result;
  }

  [[nodiscard]] std::string root() const { return dir_ / "root"; }
  [[nodiscard]] std::string outside() const { return dir_ / "outside"; }
  [[nodiscard]] std::string operator/(const std::string& name) const { return root() + "/" + name; }
  [[nodiscard]] struct stat info(const std::string& name) const {
    struct stat result {};
    if (lstat((*this / name).c_str(), &result) != 0) FAIL("missing: " + name);
    return result;
  }
  [[nodiscard]] bool has(const std::string& name) const {
    struct stat result {};
    return lstat((*this / name).c_str(), &result) == 0;
  }
  [[nodiscard]] bool is_whiteout(const std::string& name) const {
    struct stat result = info(name);
    return S_ISCHR(result.st_mode) && result.st_rdev == 0;
  }
  [[nodiscard]] bool is_opaque(const std::string& name) const {
    char value = 0;
    return lgetxattr((*this / name).c_str(), "trusted.overlay.opaque", &value, 1) == 1 && value == 'y';
  }
  [[nodiscard]] std::string text(const std::string& name) const {
    return sys::read_file(*this / name).value_or("<none>");
  }

 private:
  TempDir dir_;
};

bool is_root() {
  if (geteuid() == 0) return true;
  WARN("SKIPPED: unpacking owners and devices needs root");
  return false;
}

}  // namespace

TEST_CASE("a real tar unpacks to what tar itself makes of it") {
  if (!is_root()) return;
  TempDir dir;
  auto run = [&](const std::string& script) {
    return std::system(("cd " + dir.path() + " && { " + script + "; }").c_str());
  };
  REQUIRE(
      run("mkdir -p in/d/e in/empty && cd in && echo hi > d/f && chown 12:34 d/f && chmod 4755 d/f && ln d/f hard && "
          "ln -s ../outside/canary link && mkfifo pipe && mknod dev c 5 1 && chmod 1777 empty && truncate -s 1M sparse "
          "&& "
          "printf end >> sparse && touch -d @1000000000.123 d/f d && chmod 700 d/e") == 0);
  REQUIRE(setxattr((dir / "in/sparse").c_str(), "user.note", "text", 4, 0) == 0);
  REQUIRE(run("tar --xattrs --xattrs-include='*' -S -C in -cf x.tar . && mkdir ref && tar -C ref -xpf x.tar") == 0);
  Tree tree;
  std::string tar = sys::read_file(dir / "x.tar").value();
  UnpackResult result = tree.unpack(tar).value();
  CHECK(result.diff_id == sha256_of(tar));
  CHECK(result.tar_bytes == tar.size());
  std::string list =
      "find . ! -type d -printf '%P %y %#m %U %G %s %T@ %l %n\\n' -o -printf '%P %y %#m %U %G %T@\\n' | sort; "
      "find . -type f | sort | xargs sha256sum";
  CHECK(run("(cd ref; " + list + ") > expected; (cd " + tree.root() + "; " + list + ") > found; diff expected found") ==
        0);
  char value[16];
  CHECK(getxattr((tree / "sparse").c_str(), "user.note", value, sizeof value) == 4);
  CHECK(tree.info("sparse").st_blocks < 100);
}

TEST_CASE("names outside the root stay inside or are refused") {
  Tree tree;
  CHECK_FALSE(tree.attack(TarBuilder().file("../outside/new", "x").str()).ok());
  CHECK_FALSE(tree.attack(TarBuilder().file("a/../../outside/new", "x").str()).ok());
  CHECK_FALSE(tree.attack(TarBuilder().file("..", "x").str()).ok());
  CHECK_FALSE(tree.attack(TarBuilder().file("", "x").str()).ok());
  CHECK_FALSE(tree.attack(TarBuilder().pax({{"path", std::string(5000, 'a')}}).file("x").str()).ok());
  CHECK(tree.attack(TarBuilder().file("/etc/abs", "x").file("a/./b/../c", "y").str()).ok());
  CHECK(tree.text("etc/abs") == "x");
  CHECK(tree.text("a/c") == "y");
}

TEST_CASE("symbolic links never lead out, as parents or as last components") {
  Tree tree;
  auto link = [&](const std::string& target) { return TarBuilder().symlink("l", target); };
  for (const std::string& target :
       {tree.outside(), std::string("../outside"), std::string("../../../../../../../../../../") + tree.outside()}) {
    CAPTURE(target);
    (void)tree.attack(link(target).file("l/canary", "overwritten").str());
    (void)tree.attack(link(target + "/canary").file("l", "overwritten").str());
    CHECK(tree.text("l") == "overwritten");
    (void)tree.attack(link(target + "/canary").header({.name = "l", .mode = 0777}).str());  // chmod through a link
    (void)tree.attack(link(target).dir("l", 0777).file("l/x", "").str());
    (void)tree.attack(link(target).file("l/.wh.canary").str());
    (void)tree.attack(link(target).file("l/.wh..wh..opq").str());
    (void)tree.attack(link(target).hardlink("h", "l/canary").str());
    (void)tree.attack(TarBuilder()
                          .symlink("k1", target)
                          .symlink("k2", "k1")
                          .symlink("k3", "k2")
                          .file("k3/canary", "x")
                          .hardlink("k4", "k3")
                          .file("k4/new", "x")
                          .str());
  }
  CHECK_FALSE(tree.attack(TarBuilder().symlink("loop", "loop").file("loop/x").str()).ok());
  CHECK_FALSE(tree.attack(link("").str()).ok());
}

TEST_CASE("hard links reach only what the layer has, and never follow") {
  Tree tree;
  for (const std::string& target : {std::string("../outside/canary"), std::string("../../outside/canary")}) {
    CHECK_FALSE(tree.attack(TarBuilder().hardlink("h", target).str()).ok());
  }
  CHECK_FALSE(tree.attack(TarBuilder().hardlink("h", tree.outside() + "/canary").str()).ok());
  auto missing = tree.attack(TarBuilder().hardlink("h", "nowhere").str());
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.error().message().find("nowhere") != std::string::npos);
  CHECK_FALSE(tree.attack(TarBuilder().dir("dir").hardlink("h", "dir").str()).ok());
  // A link to a symbolic link is one more name of that link; opening it afterwards for writing replaces it.
  REQUIRE(tree.attack(TarBuilder().symlink("s", tree.outside() + "/canary").hardlink("h", "s").file("h", "mine").str())
              .ok());
  CHECK(tree.text("h") == "mine");
  REQUIRE(tree.attack(TarBuilder().file("f", "1").hardlink("g", "./f").hardlink("g", "g").str()).ok());
  CHECK(tree.info("g").st_ino == tree.info("f").st_ino);
}

TEST_CASE("the root stays a directory and takes metadata only") {
  Tree tree;
  for (const char* name : {".", "./", "/", "a/.."}) {
    CAPTURE(name);
    auto refused = tree.attack(TarBuilder().symlink(name, tree.outside()).str());
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().message().find("only be a directory") != std::string::npos);
    CHECK_FALSE(tree.attack(TarBuilder().hardlink(name, "x").str()).ok());
    CHECK_FALSE(tree.attack(TarBuilder().header({.name = name, .type = '6'}).str()).ok());
  }
  REQUIRE(tree.attack(TarBuilder().dir("./", 0711).str()).ok());
  CHECK((tree.info(".").st_mode & 07777) == 0711);
}

TEST_CASE("whiteouts take overlay form, in whichever order they come") {
  if (!is_root()) return;
  Tree tree;
  REQUIRE(tree.unpack(TarBuilder()
                          .file("d/.wh.gone")
                          .file("both-before/.wh.x")
                          .file("both-before/x", "new")
                          .file("both-after/x", "new")
                          .file("both-after/.wh.x")
                          .file(".wh.dir-after")
                          .dir("dir-after")
                          .file("dir-after/in")
                          .dir("dir-before")
                          .file("dir-before/in")
                          .file(".wh.dir-before")
                          .file(".wh.implied")
                          .file("implied/deep/in")
                          .dir("opaque")
                          .file("opaque/.wh..wh..opq")
                          .file("opaque/in")
                          .file("late/in")
                          .file("late/.wh..wh..opq")
                          .file(".wh..wh.plnk/x")
                          .file(".wh..wh.aufs")
                          .str())
              .ok());
  CHECK(tree.is_whiteout("d/gone"));
  CHECK(tree.text("both-before/x") == "new");
  CHECK(tree.text("both-after/x") == "new");
  for (const char* name : {"dir-after", "dir-before", "implied", "opaque", "late"}) {
    CAPTURE(name);
    CHECK(tree.is_opaque(name));
  }
  CHECK(tree.has("implied/deep/in"));
  CHECK(tree.has("opaque/in"));
  CHECK_FALSE(tree.is_opaque("d"));
  CHECK_FALSE(tree.has(".wh..wh.aufs"));
  for (const char* bad : {".wh.", ".wh..", ".wh...", "d/.wh.", "d/.wh.."}) {
    CAPTURE(bad);
    CHECK_FALSE(tree.attack(TarBuilder().file(bad).str()).ok());
  }
}

TEST_CASE("the last of several entries wins, whatever kinds they are") {
  Tree tree;
  REQUIRE(tree.unpack(TarBuilder()
                          .file("a", "1")
                          .file("a", "2")
                          .dir("b")
                          .file("b/x")
                          .file("b", "file")
                          .file("c", "file")
                          .dir("c")
                          .file("c/x", "in")
                          .symlink("e", "a")
                          .dir("e")
                          .file("e/y", "in")
                          .dir("m", 0700)
                          .file("m/keep")
                          .dir("m", 0751)
                          .str())
              .ok());
  CHECK(tree.text("a") == "2");
  CHECK(tree.text("b") == "file");
  CHECK(tree.text("c/x") == "in");
  CHECK(tree.text("e/y") == "in");
  CHECK(tree.has("m/keep"));
  CHECK((tree.info("m").st_mode & 0777) == 0751);
}

TEST_CASE("modes, owners, attributes and times are set in the order that keeps them") {
  if (!is_root()) return;
  Tree tree;
  std::string capability("\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
  TarBuilder tar;
  tar.header({.name = "suid", .mode = 04755, .uid = 1000, .gid = 1000});
  tar.pax({{"SCHILY.xattr.security.capability", capability},
           {"SCHILY.xattr.security.selinux", "evil"},
           {"SCHILY.xattr.trusted.overlay.opaque", "y"},
           {"SCHILY.xattr.user.overlay.opaque", "y"},
           {"SCHILY.xattr.user.fine", "v"}});
  tar.header({.name = "cap", .uid = 7});
  tar.pax({{"SCHILY.xattr.trusted.overlay.redirect", "/etc"}}).dir("plain");
  tar.pax({{"mtime", "-5"}}).file("old");
  tar.pax({{"mtime", "99999999999999"}}).file("far");
  tar.dir("ro", 0555).file("ro/in", "x");
  REQUIRE(tree.unpack(tar.str()).ok());
  CHECK((tree.info("suid").st_mode & 07777) == 04755);
  CHECK(tree.info("suid").st_uid == 1000);
  char value[64];
  CHECK(getxattr((tree / "cap").c_str(), "security.capability", value, sizeof value) == 20);
  CHECK(getxattr((tree / "cap").c_str(), "user.fine", value, sizeof value) == 1);
  CHECK(getxattr((tree / "cap").c_str(), "security.selinux", value, sizeof value) < 0);
  CHECK(getxattr((tree / "cap").c_str(), "trusted.overlay.opaque", value, sizeof value) < 0);
  CHECK(getxattr((tree / "cap").c_str(), "user.overlay.opaque", value, sizeof value) < 0);
  CHECK(getxattr((tree / "plain").c_str(), "trusted.overlay.redirect", value, sizeof value) < 0);
  CHECK(tree.info("old").st_mtime == 0);
  CHECK(tree.info("far").st_mtime > 1700000000);
  CHECK((tree.info("ro").st_mode & 0777) == 0555);
  CHECK(tree.info("ro").st_mtime == 1700000000);
}

TEST_CASE("device and owner numbers out of range are refused, not cut off") {
  if (!is_root()) return;
  Tree tree;
  // 4097:3 cut to 12 bits would be /dev/null's number.
  for (auto [major, minor] : {std::pair(4096U + 1, 3U), std::pair(8U, 1U << 20)}) {
    auto refused = tree.attack(TarBuilder().header({.name = "x", .type = '3', .major = major, .minor = minor}).str());
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().message().find("out of range") != std::string::npos);
  }
  CHECK_FALSE(tree.attack(TarBuilder().pax({{"uid", "4294967295"}}).file("x").str()).ok());
  CHECK_FALSE(tree.attack(TarBuilder().pax({{"gid", "4294967296"}}).file("x").str()).ok());
  REQUIRE(
      tree.attack(TarBuilder().header({.name = "null", .type = '3', .mode = 0666, .major = 1, .minor = 3}).str()).ok());
  CHECK(tree.info("null").st_rdev == makedev(1, 3));
  CHECK((tree.info("null").st_mode & 0777) == 0666);
  // 0:0 would be a whiteout that the layer has smuggled in.
  auto result = tree.attack(TarBuilder().header({.name = "zero", .type = '3'}).str());
  REQUIRE(result.ok());
  CHECK_FALSE(tree.has("zero"));
  CHECK(result->notes.size() == 1);
}

TEST_CASE("limits hold") {
  Tree tree;
  UnpackOptions few;
  few.limits.entries = 3;
  CHECK_FALSE(tree.unpack(TarBuilder().file("1").file("2").file("3").file("4").str(), few).ok());
  UnpackOptions small;
  small.limits.tar_bytes = 10000;
  CHECK_FALSE(tree.unpack(TarBuilder().file("big", std::string(20000, 'x')).str(), small).ok());
  // Padding behind the end counts, too (CVE-2017-14992), and costs no memory.
  CHECK_FALSE(tree.unpack(TarBuilder().file("a").str() + std::string(20000, '\0'), small).ok());
  TempDir dir;
  std::string bomb = "head -c 50000000 /dev/zero | gzip -9 > " + (dir / "bomb.gz");
  REQUIRE(std::system(bomb.c_str()) == 0);
  UnpackOptions ratio;
  ratio.limits.ratio_floor = 1 << 20;
  ratio.limits.ratio = 100;
  auto result = verify_layer(source_of(sys::read_file(dir / "bomb.gz").value()), ratio.limits);
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().message().find("100 times") != std::string::npos);
}

TEST_CASE("the unpacking process gives the same result, and its errors and death are told") {
  if (!is_root()) return;
  Tree tree;
  std::string tar =
      TarBuilder().file("d/a", std::string(300000, 'x')).file(".wh.gone").dir("o").file("o/.wh..wh..opq").str();
  UnpackProcess process = UnpackProcess::start(tree.root(), {}).value();
  REQUIRE(process.send(tar).ok());
  UnpackResult result = process.finish().value();
  CHECK(result.diff_id == sha256_of(tar));
  CHECK(result.tar_bytes == tar.size());
  CHECK(tree.info("d/a").st_size == 300000);
  CHECK(tree.is_whiteout("gone"));
  CHECK(tree.is_opaque("o"));

  Tree other;
  UnpackProcess bad = UnpackProcess::start(other.root(), {}).value();
  std::string wrong = TarBuilder().file("../x\n\x1b[31m").str();
  Status sent = bad.send(wrong + std::string(4 << 20, '\0'));  // more than the socket holds: it gives up while we send
  Error error = sent ? bad.finish().error() : sent.error();
  CHECK(error.message().find("leads out") != std::string::npos);
  CHECK(error.message().find('\x1b') == std::string::npos);
}

TEST_CASE("the unpacking process sees nothing of the host") {
  if (!is_root()) return;
  Tree tree;
  // Absolute links: with the layer as its root even a forgotten check would stay inside.
  UnpackProcess process = UnpackProcess::start(tree.root(), {}).value();
  REQUIRE(process.send(TarBuilder().symlink("l", tree.outside()).file("l/new", "x").str()).ok());
  (void)process.finish();
  CHECK(sys::list_dir(tree.outside()).value() == std::vector<std::string>{"canary"});
}
