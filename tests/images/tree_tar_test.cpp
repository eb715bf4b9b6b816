#include "images/tree_tar.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>

#include "images/layer_unpack.h"
#include "sys/file.h"
#include "tests/images/tar_builder.h"
#include "tests/support/temp_dir.h"

using namespace berth;
using namespace berth::images;
using berth::test::source_of;
using berth::test::TempDir;

namespace {

struct Fixture {
  TempDir dir;
  Fixture() { REQUIRE(sys::make_dirs(dir / "upper").ok()); }

  [[nodiscard]] int run(const std::string& script) const {
    return std::system(("cd " + dir.path() + " && { " + script + "; }").c_str());
  }
  [[nodiscard]] Result<std::string> diff() const {
    BERTH_TRY(sys::UniqueFd upper, sys::open_file(dir / "upper", O_RDONLY | O_DIRECTORY));
    std::string tar;
    TarWriter writer([&](std::string_view bytes) {
      tar += bytes;
      return Status();
    });
    BERTH_TRY_OK(write_layer_diff(upper.ref(), writer));
    return tar;
  }
  [[nodiscard]] std::string names() const {
    std::string tar = diff().value();
    REQUIRE(sys::write_file_atomic(dir / "diff.tar", tar, sys::Durability::none).ok());
    REQUIRE(run("tar tf diff.tar > names") == 0);
    return sys::read_file(dir / "names").value();
  }
};

bool is_root() {
  if (geteuid() == 0) return true;
  WARN("SKIPPED: owners, devices and trusted attributes need root");
  return false;
}

void bind_socket(const std::string& path) {
  sys::UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
}

}  // namespace

TEST_CASE("a tree becomes a layer and unpacks to the same tree") {
  if (!is_root()) return;
  Fixture f;
  std::string deep(90, 'd');
  REQUIRE(f.run("cd upper && mkdir -p a/b empty " + deep + "/" + deep + "/" + deep +
                " && echo hi > a/f && chown 12:34 a/f && chmod 4755 a/f && ln a/f a/b/hard && ln -s ../../x a/link && "
                "mkfifo pipe && mknod dev c 5 1 && mknod disk b 259 4000 && chmod 1777 empty && echo x > '" +
                deep + "/" + deep + "/" + deep +
                "/f' && echo u > 'gr\u00fc\u00dfe' && ln -s $(printf 'l%.0s' $(seq 200)) far && "
                "chown 3000000000:3000000001 pipe && touch -d @1000000000.9 a/f a && touch -d @99999999999 empty") ==
          0);
  REQUIRE(setxattr((f.dir / "upper/a/f").c_str(), "user.note", "a\0b", 3, 0) == 0);
  bind_socket(f.dir / "upper/socket");
  std::string tar = f.diff().value();
  CHECK(f.diff().value() == tar);
  REQUIRE(sys::make_dirs(f.dir / "back").ok());
  sys::UniqueFd back = sys::open_file(f.dir / "back", O_RDONLY | O_DIRECTORY).value();
  UnpackResult unpacked = unpack_layer(source_of(tar), back.ref(), {}).value();
  CHECK(unpacked.tar_bytes == tar.size());
  CHECK(unpacked.notes.empty());
  std::string list =
      "find . -mindepth 1 ! -type s ! -type d -printf '%P %y %#m %U %G %s %Ts %l %n\\n' -o -mindepth 1 -type d "
      "-printf '%P %y %#m %U %G %Ts\\n' | sort; find . -type f | sort | xargs sha256sum; stat -c %t:%T dev disk";
  CHECK(f.run("(cd upper; " + list + ") > expected; (cd back; " + list + ") > found; diff expected found") == 0);
  char value[16];
  CHECK(getxattr((f.dir / "back/a/b/hard").c_str(), "user.note", value, sizeof value) == 3);
  // Other programs read it, too.
  REQUIRE(sys::write_file_atomic(f.dir / "x.tar", tar, sys::Durability::none).ok());
  CHECK(f.run("mkdir gnu && tar -C gnu --xattrs -xpf x.tar && diff -r --no-dereference gnu/a upper/a && "
              "python3 -c \"import tarfile; print(tarfile.open('x.tar').getnames())\" > /dev/null") == 0);
}

TEST_CASE("whiteouts and opaque directories become markers, sorted") {
  if (!is_root()) return;
  Fixture f;
  REQUIRE(
      f.run(
          "cd upper && mkdir -p b/c a z && touch b/c/1 b/c/2 && mknod b/gone c 0 0 && mknod a/x c 0 0 && touch a/w") ==
      0);
  REQUIRE(setxattr((f.dir / "upper/b/c").c_str(), "trusted.overlay.opaque", "y", 1, 0) == 0);
  CHECK(f.names() == "a/\na/w\na/.wh.x\nb/\nb/c/\nb/c/.wh..wh..opq\nb/c/1\nb/c/2\nb/.wh.gone\nz/\n");
}

TEST_CASE("what overlayfs keeps for itself does not get into a layer") {
  if (!is_root()) return;
  Fixture f;
  REQUIRE(f.run("touch upper/f") == 0);
  REQUIRE(setxattr((f.dir / "upper/f").c_str(), "trusted.overlay.origin", "x", 1, 0) == 0);
  REQUIRE(setxattr((f.dir / "upper/f").c_str(), "user.overlay.opaque", "y", 1, 0) == 0);
  CHECK(f.diff().value().find("overlay") == std::string::npos);
  REQUIRE(setxattr((f.dir / "upper/f").c_str(), "trusted.overlay.metacopy", "", 0, 0) == 0);
  auto refused = f.diff();
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().full().find("metacopy") != std::string::npos);
}

TEST_CASE("small holes are filled, large ones are kept and come back as holes") {
  if (!is_root()) return;
  Fixture f;
  REQUIRE(f.run("cd upper && truncate -s 1M small && truncate -s 40G large && printf begin | dd of=large conv=notrunc "
                "status=none && printf middle | dd of=large bs=1M seek=20000 conv=notrunc status=none") == 0);
  std::string tar = f.diff().value();
  CHECK(tar.size() < 2 << 20);
  CHECK(tar.size() > 1 << 20);
  REQUIRE(sys::make_dirs(f.dir / "back").ok());
  sys::UniqueFd back = sys::open_file(f.dir / "back", O_RDONLY | O_DIRECTORY).value();
  REQUIRE(unpack_layer(source_of(tar), back.ref(), {}).ok());
  struct stat info {};
  REQUIRE(stat((f.dir / "back/large").c_str(), &info) == 0);
  CHECK(info.st_size == off_t{40} << 30);
  CHECK(info.st_blocks < 100);
  CHECK(f.run("dd if=back/large bs=1M skip=20000 count=1 status=none | head -c 6 | grep -q '^middle$'") == 0);
  REQUIRE(sys::write_file_atomic(f.dir / "x.tar", tar, sys::Durability::none).ok());
  CHECK(f.run("mkdir gnu && tar -C gnu -xf x.tar && test $(stat -c %s gnu/large) = 42949672960") == 0);
}
