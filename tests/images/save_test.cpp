#include "images/save.h"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>

#include "images/commit.h"
#include "images/import.h"
#include "images/load.h"
#include "sys/file.h"
#include "tests/images/tar_builder.h"
#include "tests/support/temp_dir.h"

using namespace berth;
using namespace berth::images;
using berth::test::TarBuilder;
using berth::test::TempDir;

namespace {

struct Fixture {
  TempDir dir;
  Store store = Store::open_directory(dir / "images").value();
  bool root = geteuid() == 0;
  Fixture() {
    if (!root) WARN("SKIPPED: unpacking layers keeps owners, which needs root");
  }
  Image import(const std::string& name, const std::string& content) {
    REQUIRE(
        sys::write_file_atomic(dir / "root.tar", TarBuilder().file("a", content).str(), sys::Durability::none).ok());
    return import_tar(store, dir / "root.tar", {name, {"CMD [\"/bin/x\"]"}, ""}).value();
  }
  [[nodiscard]] Result<std::string> save(const std::vector<std::string>& names) {
    std::string tar;
    BERTH_TRY_OK(save_images(store, names, [&](std::string_view bytes) {
      tar += bytes;
      return Status();
    }));
    REQUIRE(sys::write_file_atomic(dir / "saved.tar", tar, sys::Durability::none).ok());
    return tar;
  }
  [[nodiscard]] int run(const std::string& script) const {
    return std::system(("cd " + dir.path() + " && { " + script + "; } > log 2>&1").c_str());
  }
};

bool have(const std::string& program) {
  if (std::system(("command -v " + program + " > /dev/null").c_str()) == 0) return true;
  WARN("SKIPPED: " + program + " is not installed");
  return false;
}

}  // namespace

TEST_CASE("what is saved loads again as the same images under the same names") {
  Fixture f;
  if (!f.root) return;
  Image one = f.import("app:1", "one"), two = f.import("other/app:2", "two");
  REQUIRE(f.store.tag("app:1", "app:latest").ok());
  std::string tar = f.save({"app:1", "other/app:2"}).value();
  CHECK(f.save({"app:1", "other/app:2"}).value() == tar);
  Store again = Store::open_directory(f.dir / "again").value();
  auto loaded = load_archive(again, f.dir / "saved.tar").value();
  REQUIRE(loaded.size() == 2);
  CHECK(again.resolve("app:1")->id == one.id);
  CHECK(again.resolve("other/app:2")->id == two.id);
  CHECK_FALSE(again.resolve("app:latest").ok());
}

TEST_CASE("a name without a tag stands for all of its tags, an id for none") {
  Fixture f;
  if (!f.root) return;
  Image one = f.import("app:1", "one"), two = f.import("app:2", "two");
  REQUIRE(f.save({"app"}).ok());
  Store again = Store::open_directory(f.dir / "again").value();
  REQUIRE(load_archive(again, f.dir / "saved.tar").ok());
  CHECK(again.resolve("app:1")->id == one.id);
  CHECK(again.resolve("app:2")->id == two.id);
  REQUIRE(f.save({one.id.short_hex()}).ok());
  Store third = Store::open_directory(f.dir / "third").value();
  CHECK(load_archive(third, f.dir / "saved.tar")->at(0).names.empty());
  CHECK(third.resolve(one.id.str()).ok());
}

TEST_CASE("nothing is written for an image that is not there, and damage is named") {
  Fixture f;
  if (!f.root) return;
  Image image = f.import("app:1", "one");
  auto missing = f.save({"app:1", "apq:1"});
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.error().full().find("app:1") != std::string::npos);
  std::string blob = f.store.blob_path(image.config.diff_ids[0]);
  std::string bytes = sys::read_file(blob).value();
  bytes[0] = 'b';
  REQUIRE(sys::write_file_atomic(blob, bytes, sys::Durability::none).ok());
  auto damaged = f.save({"app:1"});
  REQUIRE_FALSE(damaged.ok());
  CHECK(damaged.error().message().find(image.config.diff_ids[0].str()) != std::string::npos);
}

TEST_CASE("skopeo and umoci read what is saved, as a docker-archive and as an OCI layout") {
  Fixture f;
  if (!f.root || !have("skopeo") || !have("umoci")) return;
  Image image = f.import("demo/app:2", "one");
  REQUIRE(f.save({"demo/app:2"}).ok());
  CHECK(
      f.run("skopeo --insecure-policy copy docker-archive:saved.tar:demo/app:2 oci:copied:x && skopeo inspect --config "
            "oci:copied:x") == 0);
  CHECK(sys::read_file(f.dir / "log").value().find("/bin/x") != std::string::npos);
  CHECK(f.run("skopeo inspect --config oci-archive:saved.tar:2") == 0);
  REQUIRE(f.run("mkdir layout && tar -C layout -xf saved.tar && umoci unpack --image layout:2 bundle && cat "
                "bundle/rootfs/a") == 0);
  CHECK(sys::read_file(f.dir / "log").value().find("one") != std::string::npos);
}

TEST_CASE("a commit puts a layer on top of an image") {
  Fixture f;
  if (!f.root) return;
  Image base = f.import("app:1", "one");
  REQUIRE(f.run("mkdir upper && echo new > upper/b && mknod upper/a c 0 0") == 0);
  sys::UniqueFd upper = sys::open_file(f.dir / "upper", O_RDONLY | O_DIRECTORY).value();
  ImageConfig config = base.config;
  config.env = {"A=1"};
  Image image = commit_layer(f.store, upper.ref(), {base.id, config, "app:2", "sh", "me", "changed"}).value();
  CHECK(image.config.diff_ids.size() == 2);
  CHECK(image.config.diff_ids[0] == base.config.diff_ids[0]);
  CHECK(image.config.env == config.env);
  CHECK(image.config.author == "me");
  CHECK(image.config.history.back().comment == "changed");
  CHECK(image.config.history.back().created_by == "sh");
  CHECK(sys::read_file(image.layer_dirs[0] + "/b").value() == "new\n");
  CHECK(f.run("stat -c %t:%T " + image.layer_dirs[0] + "/a | grep '^0:0$'") == 0);
  // The same changes are the same layer.
  Image same = commit_layer(f.store, upper.ref(), {base.id, config, "app:3", "sh", "me", "changed"}).value();
  CHECK(same.config.diff_ids == image.config.diff_ids);
  CHECK_FALSE(commit_layer(f.store, upper.ref(), {base.id, config, "Bad Name", "", "", ""}).ok());
}
