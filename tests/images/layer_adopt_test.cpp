#include "images/layer_adopt.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>

#include "images/commit.h"
#include "sys/file.h"
#include "tests/support/temp_dir.h"

using namespace berth;
using namespace berth::images;
using berth::test::TempDir;

namespace {

bool is_root() {
  if (geteuid() == 0) return true;
  WARN("SKIPPED: owners, devices and trusted attributes need root");
  return false;
}

/// Expects `tree`; writes the file "listing".
constexpr const char* kListing = R"(
import hashlib, os, stat
links, lines = {}, []
def add(path, name):
    info = os.lstat(path)
    xattrs = [(one, os.getxattr(path, one, follow_symlinks=False)) for one in sorted(os.listxattr(path, follow_symlinks=False))]
    kind = stat.S_IFMT(info.st_mode)
    times = info.st_mtime_ns if name and kind != stat.S_IFCHR or info.st_rdev else 0
    content = hashlib.sha256(open(path, "rb").read()).hexdigest() if kind == stat.S_IFREG else os.readlink(path) if kind == stat.S_IFLNK else ""
    first = links.setdefault(info.st_ino, name) if kind == stat.S_IFREG else ""
    lines.append(repr((name, oct(info.st_mode), info.st_uid, info.st_gid, info.st_rdev, times, first, xattrs, content)))
add(tree, "")
for root, folders, files in os.walk(tree):
    folders.sort()
    for name in sorted(folders + files):
        path = os.path.join(root, name)
        add(path, os.path.relpath(path, tree))
open("listing", "w").write("\n".join(lines))
)";

struct Fixture {
  TempDir dir;
  Store store = Store::open_directory(dir / "store").value();
  ImportLease lease = store.begin_import().value();

  void run(const std::string& script) const {
    CAPTURE(script);
    REQUIRE(std::system(("cd " + dir.path() + " && set -e && " + script).c_str()) == 0);
  }
  void python(const std::string& script) const {
    REQUIRE(sys::write_file_atomic(dir / "script.py", script, sys::Durability::none).ok());
    run("python3 script.py");
  }
  /// All that can be told of a tree, but the time of its root.
  [[nodiscard]] std::string listing(const std::string& tree) const {
    python("tree = '" + tree + "'\n" + kListing);
    return sys::read_file(dir / "listing").value();
  }
};

constexpr const char* kUpper = R"(
import os, socket, subprocess
subprocess.run(["sh", "-ec", """mkdir upper && cd upper
mkdir -p dir/sub opaque && echo content > dir/sub/file && ln dir/sub/file dir/hard && ln -s nowhere link
: > sparse && truncate -s 1M sparse && mknod -m 0 gone c 0 0 && mknod node c 1 3 && mkfifo pipe
chown 5:6 dir && chmod 1770 dir && chown -h 7:8 link && chmod 4755 dir/sub/file && chmod 0700 ."""], check=True)
os.chdir("upper")
socket.socket(socket.AF_UNIX).bind("dir/socket")
for path, name, value in [("opaque", "trusted.overlay.opaque", b"y"), ("dir", "trusted.overlay.origin", b"x"),
                          ("dir/hard", "trusted.overlay.nlink", b"x"), ("link", "trusted.overlay.origin", b"x"),
                          (".", "trusted.overlay.impure", b"y"), ("dir/sub/file", "user.mine", b"kept"),
                          (".", "user.mine", b"lost")]:
    os.setxattr(path, name, value, follow_symlinks=False)
for root, folders, files in os.walk(".", topdown=False):
    for name in folders + files:
        os.utime(os.path.join(root, name), ns=(7, 1_577_934_245_600_000_000), follow_symlinks=False)
os.utime("node", ns=(7, -86_400_000_000_000))
)";

}  // namespace

TEST_CASE("an adopted upper directory is the tree that its tar would be unpacked to") {
  if (!is_root()) return;
  std::optional<int64_t> latest = GENERATE(std::optional<int64_t>(), std::optional<int64_t>(1'000'000'000));
  Fixture adopting, unpacking;
  for (Fixture* one : {&adopting, &unpacking}) one->python(kUpper);

  TreeTar::Changes changes;
  changes.latest_mtime = latest;
  sys::UniqueFd upper = sys::open_file(unpacking.dir / "upper", O_RDONLY | O_DIRECTORY).value();
  StoredLayer unpacked = store_layer_diff(unpacking.store, unpacking.lease, upper.ref(), changes).value();
  StoredLayer adopted = adopt_layer_diff(adopting.store, adopting.lease, adopting.dir / "upper", latest).value();

  CHECK(adopted.diff_id == unpacked.diff_id);
  CHECK(adopted.descriptor.digest == unpacked.descriptor.digest);
  CHECK(adopted.descriptor.size == unpacked.descriptor.size);
  CHECK(adopted.descriptor.media_type == unpacked.descriptor.media_type);
  CHECK(adopting.store.has_blob(adopted.descriptor.digest));
  CHECK(adopting.listing(adopting.store.layer_path(adopted.diff_id)) ==
        unpacking.listing(unpacking.store.layer_path(unpacked.diff_id)));
  CHECK_FALSE(sys::exists(adopting.dir / "upper"));
}

TEST_CASE("a layer that is there already is not adopted again") {
  if (!is_root()) return;
  Fixture fixture;
  for (const char* name : {"one", "two"}) {
    fixture.run(std::string("mkdir ") + name + " && echo x > " + name + "/file && touch -d @5 " + name + "/file");
    CHECK(adopt_layer_diff(fixture.store, fixture.lease, fixture.dir / name, {}).ok());
  }
  CHECK(sys::exists(fixture.dir / "two"));
  CHECK(sys::list_dir(fixture.store.directory() + "/layers").value().size() == 1);
}

TEST_CASE("what overlayfs has kept in a lower layer is not adopted") {
  if (!is_root()) return;
  Fixture fixture;
  fixture.run("mkdir -p upper/moved");
  REQUIRE(setxattr((fixture.dir / "upper/moved").c_str(), "trusted.overlay.redirect", "/x", 2, 0) == 0);
  CHECK_FALSE(adopt_layer_diff(fixture.store, fixture.lease, fixture.dir / "upper", {}).ok());
  CHECK(sys::list_dir(fixture.store.directory() + "/layers").value().empty());
  CHECK(sys::list_dir(fixture.store.directory() + "/blobs/sha256").value().empty());
}
