#include "images/store.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <thread>

#include "images/blob_writer.h"
#include "images/layer_sink.h"
#include "images/store_usage.h"
#include "sys/file.h"
#include "tests/images/tar_builder.h"
#include "tests/support/temp_dir.h"

using namespace berth;
using namespace berth::images;
using berth::test::source_of;
using berth::test::TarBuilder;
using berth::test::TempDir;

namespace {

std::string layer_tar(const std::string& content) {
  return TarBuilder().file("file-" + content, content).str();
}

Result<Image> make_image(Store& store, const std::vector<std::string>& layers, const std::vector<std::string>& names,
                         const std::string& author = "") {
  BERTH_TRY(ImportLease lease, store.begin_import());
  ImageConfig config;
  config.os = "linux";
  config.architecture = "amd64";
  config.author = author;
  std::vector<Descriptor> descriptors;
  for (const std::string& content : layers) {
    BERTH_TRY(StoredLayer layer, store_layer_from(store, lease, source_of(layer_tar(content)), {}, nullptr, "test"));
    config.diff_ids.push_back(layer.diff_id);
    descriptors.push_back(layer.descriptor);
  }
  return store.publish(lease, render_image_config(config), descriptors, names);
}

std::string first_line(const std::string& path) {
  return sys::read_file(path).value_or("<none>");
}

struct Fixture {
  TempDir dir;
  Store store = Store::open_directory(dir / "images").value();
  bool root = geteuid() == 0;
  Fixture() {
    if (!root) WARN("SKIPPED: the store keeps owners, which needs root");
  }
  [[nodiscard]] size_t blobs() const { return sys::list_dir(dir / "images/blobs/sha256").value().size(); }
  [[nodiscard]] size_t layers() const { return sys::list_dir(dir / "images/layers").value().size(); }
};

}  // namespace

TEST_CASE("an image is found by its names and by its id") {
  Fixture f;
  if (!f.root) return;
  Image image = make_image(f.store, {"one", "two"}, {"docker.io/library/app:1", "localhost:5000/app:latest"}).value();
  for (const std::string& text :
       {std::string("app:1"), std::string("docker.io/library/app:1"), std::string("localhost:5000/app"), image.id.str(),
        image.id.hex(), image.id.short_hex(), "app@" + image.manifest.str(), "app:1@" + image.manifest.str(),
        "sha256:" + image.id.hex().substr(0, 6)}) {
    CAPTURE(text);
    Image found = f.store.resolve(text).value();
    CHECK(found.id == image.id);
    CHECK(found.names == std::vector<std::string>{"docker.io/library/app:1", "localhost:5000/app:latest"});
  }
  REQUIRE(image.layer_dirs.size() == 2);
  CHECK(first_line(image.layer_dirs[0] + "/file-two") == "two");
  CHECK(first_line(image.layer_dirs[1] + "/file-one") == "one");
  CHECK(image.display_name() == "app:1");
}

TEST_CASE("what is not there is named with the nearest name and the way to get one") {
  Fixture f;
  if (!f.root) return;
  REQUIRE(make_image(f.store, {"x"}, {"docker.io/library/postgres:15"}).ok());
  Error error = f.store.resolve("postgress:15").error();
  CHECK(error.code == ENOENT);
  CHECK(error.hint.find("\"postgres:15\"") != std::string::npos);
  CHECK(error.hint.find("berth import") != std::string::npos);
  CHECK(f.store.resolve("redis").error().hint.find("berth load") != std::string::npos);
  CHECK_FALSE(f.store.resolve("app@sha256:" + std::string(64, '0')).ok());
}

TEST_CASE("an id prefix of two images is refused") {
  Fixture f;
  if (!f.root) return;
  std::map<char, int> seen;
  std::string twice;
  for (int i = 0; i < 17 && twice.empty(); ++i) {
    Image image = make_image(f.store, {}, {}, std::to_string(i)).value();
    if (++seen[image.id.hex()[0]] == 2) twice = image.id.hex().substr(0, 1);
  }
  REQUIRE(twice.size() == 1);
  CHECK(f.store.resolve("sha256:" + twice).error().message().find("several") != std::string::npos);
}

TEST_CASE("a layer is stored once, and used once in a row of directories") {
  Fixture f;
  if (!f.root) return;
  Image a = make_image(f.store, {"base", "a", "base"}, {"docker.io/library/a:latest"}).value();
  Image b = make_image(f.store, {"base", "b"}, {"docker.io/library/b:latest"}).value();
  CHECK(f.layers() == 3);
  CHECK(a.layer_dirs.size() == 2);
  CHECK(a.layer_dirs[0] == b.layer_dirs[1]);
  struct stat info {};
  REQUIRE(stat((f.dir / "images/layers").c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0700);
  REQUIRE(stat((a.layer_dirs[0] + "/..").c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0700);
}

TEST_CASE("removing takes the name, then the image, and leaves what others use") {
  Fixture f;
  if (!f.root) return;
  Image a = make_image(f.store, {"base", "a"}, {"docker.io/library/a:latest"}).value();
  REQUIRE(make_image(f.store, {"base"}, {"docker.io/library/b:latest"}).ok());
  REQUIRE(f.store.tag("a", "a:again").ok());
  RemovedImage first = f.store.remove("a", {}).value();
  CHECK(first.untagged == std::vector<std::string>{"docker.io/library/a:latest"});
  CHECK_FALSE(first.deleted.has_value());
  CHECK(f.store.resolve("a:again").ok());
  RemovedImage second = f.store.remove("a:again", {}).value();
  CHECK(second.deleted == a.id);
  CHECK(second.freed_bytes > 0);
  CHECK_FALSE(f.store.resolve(a.id.hex()).ok());
  CHECK(f.layers() == 1);
  CHECK(f.store.resolve("b").ok());
  CHECK(f.blobs() == 3);
  CHECK_FALSE(f.store.remove("a", {}).ok());
}

TEST_CASE("an image that a container uses stays without a name until it is collected") {
  Fixture f;
  if (!f.root) return;
  Image image = make_image(f.store, {"x"}, {"docker.io/library/x:latest"}).value();
  InUse used = [&] { return std::vector{image.id}; };
  Unwanted all = [](const Image&) { return true; };
  CHECK_FALSE(f.store.remove("x", used).value().deleted.has_value());
  CHECK(f.store.resolve(image.id.hex())->names.empty());
  CHECK(f.store.garbage_collect(used, all)->images.empty());
  CHECK(f.store.resolve(image.id.hex()).ok());
  REQUIRE(f.store.garbage_collect().ok());
  CHECK(f.store.resolve(image.id.hex()).ok());
  Result<CollectedGarbage> collected = f.store.garbage_collect({}, [](const Image& one) { return one.names.empty(); });
  REQUIRE(collected->images.size() == 1);
  CHECK(collected->images[0].deleted == image.id);
  CHECK(collected->freed_bytes > 0);
  CHECK(f.blobs() == 0);
  CHECK(f.layers() == 0);
}

TEST_CASE("collecting takes all names of an unwanted image, and counts what each image needs for itself") {
  Fixture f;
  if (!f.root) return;
  Image big = make_image(f.store, {"base", "big"}, {"docker.io/library/a:1", "docker.io/library/a:2"}).value();
  Image small = make_image(f.store, {"base"}, {"docker.io/library/b:1"}).value();
  StoreUsage before = store_usage(f.store, {small.id}).value();
  REQUIRE(before.images.size() == 2);
  CHECK(before.images[0].shared > 0);
  CHECK(before.images[0].shared == before.images[1].shared);
  CHECK(before.images[0].total == before.images[0].shared + before.images[0].unique());
  CHECK(before.total == before.images[0].shared + before.images[0].unique() + before.images[1].unique());
  CHECK(before.reclaimable == before.images[0].unique());
  CollectedGarbage collected =
      f.store.garbage_collect([&] { return std::vector{small.id}; }, [](const Image&) { return true; }).value();
  REQUIRE(collected.images.size() == 1);
  CHECK(collected.images[0].untagged == std::vector<std::string>{"docker.io/library/a:1", "docker.io/library/a:2"});
  CHECK(collected.images[0].deleted == big.id);
  CHECK(collected.freed_bytes == before.reclaimable);
  CHECK(store_usage(f.store, {})->total == before.total - before.reclaimable);
}

TEST_CASE("a name moves to the new image, and the old one stays unnamed") {
  Fixture f;
  if (!f.root) return;
  Image old = make_image(f.store, {"old"}, {"docker.io/library/x:latest"}).value();
  Image fresh = make_image(f.store, {"new"}, {"docker.io/library/x:latest"}).value();
  CHECK(f.store.resolve("x")->id == fresh.id);
  CHECK(f.store.resolve(old.id.hex())->names.empty());
  CHECK(f.store.list()->size() == 2);
}

TEST_CASE("what a registry had under a name is remembered for that name alone") {
  Fixture fixture;
  if (!fixture.root) return;
  Store& store = fixture.store;
  Image made = make_image(store, {"a"}, {"docker.io/library/local:1"}).value();
  std::string manifest = store.read_blob(made.manifest).value();
  ImportLease lease = store.begin_import().value();
  Digest origin = sha256_of("an index");
  CHECK(store.publish_manifest(lease, manifest, {"docker.io/library/app:1"}, Origin{origin, 1000}).ok());
  Reference app = parse_reference("app:1").value();
  CHECK(store.origin(app).value()->digest == origin);
  CHECK(store.origin(app).value()->checked == 1000);
  CHECK(store.set_origin(app, {origin, 2000}).ok());
  CHECK(store.origin(app).value()->checked == 2000);
  CHECK_FALSE(store.origin(parse_reference("local:1").value()).value());
  CHECK(store.tag("app:1", "other:1").ok());
  CHECK_FALSE(store.origin(parse_reference("other:1").value()).value());
  CHECK(store.resolve("app@" + origin.str()).ok());
  CHECK(store.resolve("app:1").value().repo_digests ==
        std::vector<std::string>{"docker.io/library/app@" + origin.str()});
}

TEST_CASE("nothing of a layer stays that is not what was promised") {
  Fixture f;
  if (!f.root) return;
  ImportLease lease = f.store.begin_import().value();
  std::string tar = layer_tar("x");
  Digest other = sha256_of("other");
  CHECK_FALSE(store_layer_from(f.store, lease, source_of(tar), {other, {}, {}}, nullptr, "t").ok());
  CHECK_FALSE(store_layer_from(f.store, lease, source_of(tar), {{}, tar.size() - 1, {}}, nullptr, "t").ok());
  CHECK_FALSE(store_layer_from(f.store, lease, source_of(tar), {{}, tar.size() + 1, {}}, nullptr, "t").ok());
  auto wrong = store_layer_from(f.store, lease, source_of(tar), {{}, {}, other}, nullptr, "t");
  REQUIRE_FALSE(wrong.ok());
  CHECK(wrong.error().message().find(other.str()) != std::string::npos);
  CHECK_FALSE(store_layer_from(f.store, lease, source_of("no tar at all"), {}, nullptr, "t").ok());
  CHECK(f.blobs() == 0);
  CHECK(f.layers() == 0);
  CHECK_FALSE(
      f.store.publish(lease, "{}", {{std::string(kMediaLayer), other, 1, {}, {}}}, {"docker.io/library/x:1"}).ok());
  CHECK_FALSE(f.store.resolve("x:1").ok());
}

TEST_CASE("a killed import leaves garbage that the next one sweeps") {
  Fixture f;
  if (!f.root) return;
  pid_t child = fork();
  if (child == 0) {
    auto lease = f.store.begin_import();
    auto sink = LayerSink::begin(f.store, *lease, {});
    (void)sink->write(layer_tar("x").substr(0, 700));
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
  CHECK(f.blobs() == 1);
  CHECK(f.layers() == 1);
  // Its unpacking process dies with it, but not in the same instant, and until then nothing is swept.
  for (int i = 0; i < 250 && f.blobs() + f.layers() > 0; ++i) {
    REQUIRE(f.store.begin_import().ok());
    usleep(20000);
  }
  CHECK(f.blobs() == 0);
  CHECK(f.layers() == 0);
}

TEST_CASE(
    "what was being written beside the index or in the cache when its writer was killed goes with the next write") {
  Fixture f;
  if (!f.root) return;
  const std::string index = f.store.directory() + "/.tmp-0", cached = f.store.directory() + "/build-cache/.tmp-0";
  REQUIRE(sys::make_dirs(f.store.directory() + "/build-cache").ok());
  REQUIRE(sys::write_file_atomic(index, "{", sys::Durability::none).ok());
  REQUIRE(sys::write_file_atomic(cached, "{", sys::Durability::none).ok());
  REQUIRE(make_image(f.store, {"x"}, {"docker.io/library/x:latest"}).ok());
  CHECK_FALSE(sys::exists(index));
  CHECK_FALSE(sys::exists(cached));
}

TEST_CASE("an import under way is not swept by others") {
  Fixture f;
  if (!f.root) return;
  ImportLease lease = f.store.begin_import().value();
  LayerSink sink = LayerSink::begin(f.store, lease, {}).value();
  std::string tar = layer_tar("slow");
  REQUIRE(sink.write(std::string_view(tar).substr(0, 600)).ok());
  REQUIRE(make_image(f.store, {"quick"}, {"docker.io/library/quick:1"}).ok());
  REQUIRE(f.store.remove("quick:1", {}).ok());
  REQUIRE(sink.write(std::string_view(tar).substr(600)).ok());
  CHECK(sink.finish().ok());
}

TEST_CASE("many processes import the same layers at once and all succeed") {
  Fixture f;
  if (!f.root) return;
  std::vector<pid_t> children;
  for (int i = 0; i < 6; ++i) {
    pid_t child = fork();
    if (child == 0)
      _exit(make_image(f.store, {"same", "shared"}, {"docker.io/library/n" + std::to_string(i) + ":latest"}).ok() ? 0
                                                                                                                  : 1);
    children.push_back(child);
  }
  for (pid_t child : children) {
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
  }
  CHECK(f.layers() == 2);
  Image image = f.store.resolve("n3").value();
  CHECK(image.names.size() == 6);
  CHECK(first_line(image.layer_dirs[0] + "/file-shared") == "shared");
}

TEST_CASE("a damaged image does not hide the others and stops the sweep") {
  Fixture f;
  if (!f.root) return;
  Image good = make_image(f.store, {"good"}, {"docker.io/library/good:1"}).value();
  Image bad = make_image(f.store, {"bad"}, {"docker.io/library/bad:1"}).value();
  std::ofstream(f.store.blob_path(bad.manifest)) << "{";
  std::vector<Error> damaged;
  CHECK(f.store.list(&damaged)->size() == 1);
  CHECK(damaged.size() == 1);
  CHECK_FALSE(f.store.garbage_collect({}).ok());
  CHECK(f.layers() == 2);
  REQUIRE(f.store.remove("bad:1", {}).ok());
  REQUIRE(f.store.garbage_collect({}).ok());
  CHECK(f.layers() == 1);
  CHECK(f.store.resolve("good:1")->id == good.id);
}

TEST_CASE("a store whose making was cut off is made") {
  TempDir dir;
  REQUIRE(Store::open_directory(dir / "images").ok());
  REQUIRE(unlink((dir / "images/oci-layout").c_str()) == 0);
  CHECK(Store::open_directory(dir / "images").ok());
  CHECK(sys::exists(dir / "images/oci-layout"));
}

TEST_CASE("an image whose tree is missing says so") {
  Fixture f;
  if (!f.root) return;
  Image image = make_image(f.store, {"x"}, {"docker.io/library/x:1"}).value();
  REQUIRE(sys::remove_tree(f.dir / ("images/layers/" + image.config.diff_ids[0].hex())).ok());
  Error error = f.store.resolve("x:1").error();
  CHECK(error.message().find(image.config.diff_ids[0].hex()) != std::string::npos);
  CHECK_FALSE(error.hint.empty());
  REQUIRE(make_image(f.store, {"x"}, {"docker.io/library/x:1"}).ok());
  CHECK(f.store.resolve("x:1").ok());
}
