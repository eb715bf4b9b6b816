#include "volumes/copy_up.h"

#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>

#include "sys/file.h"
#include "tests/support/temp_dir.h"

using namespace berth;
using namespace berth::volumes;
using berth::test::TempDir;

namespace {

/// Layers l0 (topmost), l1, l2 and a volume "v".
struct Fixture {
  TempDir dir;
  VolumeStore store = VolumeStore::open_directory(dir / "volumes").value();
  std::string data = store.create({"v"}).value().data_dir;
  std::vector<std::string> layers{dir / "l0", dir / "l1", dir / "l2"};
  bool root = geteuid() == 0;

  Fixture() {
    if (!root) WARN("SKIPPED: copying owners and devices needs root");
    for (const std::string& layer : layers) REQUIRE(sys::make_dirs(layer).ok());
  }
  void run(const std::string& script) const {
    REQUIRE(std::system(("cd " + dir.path() + " && { " + script + "; }").c_str()) == 0);
  }
  void opaque(const std::string& name) const {
    REQUIRE(setxattr((dir / name).c_str(), "trusted.overlay.opaque", "y", 1, 0) == 0);
  }
  [[nodiscard]] CopyUp copy(const std::string& path) const { return copy_up(store, "v", layers, path).value(); }
  [[nodiscard]] std::string text(const std::string& name) const {
    return sys::read_file(data + "/" + name).value_or("<none>");
  }
  [[nodiscard]] struct stat info(const std::string& name) const {
    struct stat result {};
    if (lstat((data + "/" + name).c_str(), &result) != 0) FAIL("missing: " + name);
    return result;
  }
};

}  // namespace

TEST_CASE("an empty volume gets all that the image has there, and the directory's own owner and mode") {
  Fixture f;
  if (!f.root) return;
  f.run(
      "mkdir -p l1/var/data/sub && cd l1/var/data && echo -n one > f && chown 70:71 f && chmod 4750 f && ln f hard && "
      "ln -s f link && ln -s /etc/passwd abs && "
      "mkfifo pipe && mknod null c 1 3 && chmod 666 null && truncate -s 5M sparse && printf end >> sparse && touch -h "
      "-d @1000000000.25 f link sub && "
      "chown 70:70 . && chmod 2700 .");
  REQUIRE(setxattr((f.dir / "l1/var/data/f").c_str(), "user.k", "val", 3, 0) == 0);
  CHECK(f.copy("/var/data") == CopyUp::copied);
  CHECK(f.text("f") == "one");
  CHECK((f.info("f").st_mode & 07777) == 04750);
  CHECK(f.info("f").st_uid == 70);
  CHECK(f.info("f").st_gid == 71);
  CHECK(f.info("f").st_mtim.tv_sec == 1000000000);
  CHECK(f.info("f").st_mtim.tv_nsec == 250000000);
  CHECK(f.info("hard").st_ino == f.info("f").st_ino);
  CHECK(f.info("link").st_mtim.tv_sec == 1000000000);
  CHECK(f.info("sub").st_mtim.tv_sec == 1000000000);
  CHECK(S_ISLNK(f.info("abs").st_mode));
  CHECK(S_ISFIFO(f.info("pipe").st_mode));
  CHECK(f.info("null").st_rdev == makedev(1, 3));
  CHECK((f.info("null").st_mode & 0777) == 0666);
  CHECK(f.info("sparse").st_size == 5 * 1024 * 1024 + 3);
  CHECK(f.info("sparse").st_blocks < 200);
  char value[8];
  CHECK(getxattr((f.data + "/f").c_str(), "user.k", value, sizeof value) == 3);
  CHECK((f.info(".").st_mode & 07777) == 02700);
  CHECK(f.info(".").st_uid == 70);
  CHECK(f.store.inspect("v")->populated);
}

TEST_CASE("what is copied is what overlayfs shows") {
  Fixture f;
  if (!f.root) return;
  f.run(
      "mkdir -p l2/d/merged l2/d/opaque l2/d/gone l2/d/tofile l1/d/merged l1/d/opaque l0/d/merged && "
      "echo low > l2/d/low && echo low > l2/d/over && echo x > l2/d/hidden && echo x > l2/d/merged/low && echo x > "
      "l2/d/opaque/low && echo x > l2/d/gone/x && "
      "echo x > l2/d/tofile/x && echo mid > l1/d/over && mknod l1/d/hidden c 0 0 && mknod l1/d/gone c 0 0 && echo x > "
      "l1/d/opaque/mid && echo file > l1/d/tofile && "
      "echo x > l0/d/merged/top && mknod l0/d/merged/low c 0 0 && echo again > l0/d/hidden && mkdir l0/d/gone && echo "
      "y > l0/d/gone/y && chmod 711 l0/d");
  f.opaque("l1/d/opaque");
  CHECK(f.copy("d/") == CopyUp::copied);
  std::string mount_point = f.dir / "merged";
  REQUIRE(sys::make_dirs(mount_point).ok());
  std::string options = "lowerdir=" + f.layers[0] + ":" + f.layers[1] + ":" + f.layers[2];
  if (mount("overlay", mount_point.c_str(), "overlay", MS_RDONLY, options.c_str()) != 0) {
    WARN("SKIPPED: no overlayfs on this file system to compare with");
    return;
  }
  int differs = std::system(("diff -r " + mount_point + "/d " + f.data).c_str());
  umount2(mount_point.c_str(), MNT_DETACH);
  CHECK(differs == 0);
  CHECK((f.info(".").st_mode & 0777) == 0711);
  CHECK(f.text("gone/x") == "<none>");
}

TEST_CASE("links in the path are followed inside the image, never into the host") {
  Fixture f;
  if (!f.root) return;
  std::string host = f.dir / "host";
  f.run("mkdir -p host && echo secret > host/secret && ln -s " + host + " l0/direct && ln -s ../../../../../../../.." +
        host +
        " l0/dots && mkdir -p l1/real/sub l0/a && "
        "echo in > l1/real/sub/f && ln -s /real l0/a/abs && ln -s ../a/./abs l0/a/rel && ln -s loop l0/loop");
  CHECK(f.copy("/direct") == CopyUp::no_source);
  for (const char* path : {"/dots", "/a/../../../host"}) {
    Fixture other;
    other.layers = f.layers;
    CAPTURE(path);
    CHECK(other.copy(path) == CopyUp::no_source);
    CHECK(sys::list_dir(other.data)->empty());
  }
  Fixture inside;
  inside.layers = f.layers;
  CHECK(inside.copy("/a/rel/sub") == CopyUp::copied);
  CHECK(inside.text("f") == "in\n");
  Fixture loop;
  CHECK(copy_up(loop.store, "v", f.layers, "/loop").error().code == ELOOP);
}

TEST_CASE("a volume with content, or one that has been used, is left alone") {
  Fixture f;
  if (!f.root) return;
  f.run("mkdir l0/d && echo image > l0/d/f");
  std::ofstream(f.data + "/mine") << "mine";
  CHECK(f.copy("/d") == CopyUp::not_empty);
  CHECK(f.text("f") == "<none>");
  REQUIRE(std::system(("rm " + f.data + "/mine").c_str()) == 0);
  CHECK(f.copy("/d") == CopyUp::already);
  Fixture marked;
  marked.layers = f.layers;
  REQUIRE(marked.store.mark_populated("v").ok());
  CHECK(marked.copy("/d") == CopyUp::already);
  CHECK(sys::list_dir(marked.data)->empty());
}

TEST_CASE("a file or nothing in the image's place leaves the volume empty") {
  Fixture f;
  if (!f.root) return;
  f.run("echo x > l1/file");
  CHECK(f.copy("/file") == CopyUp::no_source);
  CHECK(f.copy("/nothing/at/all") == CopyUp::already);
  CHECK_FALSE(copy_up(f.store, "unknown", f.layers, "/").ok());
}

TEST_CASE("killed in the middle, a volume is empty or whole, and the next call finishes") {
  Fixture f;
  if (!f.root) return;
  f.run("mkdir l0/d && for i in $(seq 400); do head -c 20000 /dev/urandom > l0/d/$i; done");
  for (useconds_t delay : {0, 500, 2000, 5000, 10000, 20000, 40000, 80000}) {
    CAPTURE(delay);
    std::string name = "v" + std::to_string(delay);
    REQUIRE(f.store.create({name}).ok());
    pid_t child = fork();
    if (child == 0) _exit(copy_up(f.store, name, f.layers, "/d").ok() ? 0 : 1);
    usleep(delay);
    kill(child, SIGKILL);
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    Volume volume = f.store.inspect(name).value();
    size_t files = sys::list_dir(volume.data_dir)->size();
    CHECK((files == 0 || files == 400));
    REQUIRE(copy_up(f.store, name, f.layers, "/d").ok());
    CHECK(sys::list_dir(volume.data_dir)->size() == 400);
    CHECK(f.store.inspect(name)->populated);
    CHECK_FALSE(sys::exists(f.store.volume_path(name) + "/.tmp-copy-up"));
  }
}

TEST_CASE("several at once make one copy") {
  Fixture f;
  if (!f.root) return;
  f.run("mkdir l0/d && for i in $(seq 200); do echo $i > l0/d/$i; done");
  std::vector<pid_t> children;
  for (int i = 0; i < 5; ++i) {
    pid_t child = fork();
    if (child == 0) {
      auto result = copy_up(f.store, "v", f.layers, "/d");
      _exit(!result ? 2 : *result == CopyUp::copied ? 1 : 0);
    }
    children.push_back(child);
  }
  int copied = 0;
  for (pid_t child : children) {
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    REQUIRE(WEXITSTATUS(status) < 2);
    copied += WEXITSTATUS(status);
  }
  CHECK(copied == 1);
  CHECK(sys::list_dir(f.data)->size() == 200);
}
