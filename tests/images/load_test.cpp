#include "images/load.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "images/import.h"
#include "images/reference.h"
#include "sys/file.h"
#include "tests/images/tar_builder.h"
#include "tests/support/temp_dir.h"

using namespace berth;
using namespace berth::images;
using berth::test::TarBuilder;
using berth::test::TempDir;
using nlohmann::json;

namespace {

struct Fixture {
  TempDir dir;
  Store store = Store::open_directory(dir / "images").value();
  bool root = geteuid() == 0;
  Fixture() {
    if (!root) WARN("SKIPPED: unpacking layers keeps owners, which needs root");
  }
  [[nodiscard]] int run(const std::string& script) const {
    return std::system(("cd " + dir.path() + " && { " + script + "; } > log 2>&1").c_str());
  }
  [[nodiscard]] std::string save(const std::string& name, const std::string& bytes) const {
    REQUIRE(sys::write_file_atomic(dir / name, bytes, sys::Durability::none).ok());
    return dir / name;
  }
  [[nodiscard]] bool empty() const {
    return sys::list_dir(dir / "images/blobs/sha256").value().empty() &&
           sys::list_dir(dir / "images/layers").value().empty();
  }
};

bool have(const std::string& program) {
  if (std::system(("command -v " + program + " > /dev/null").c_str()) == 0) return true;
  WARN("SKIPPED: " + program + " is not installed");
  return false;
}

std::string hex(const std::string& bytes) {
  return sha256_of(bytes).hex();
}

std::string config_for(const std::vector<std::string>& layers, const std::string& command = "run") {
  json ids = json::array();
  for (const std::string& layer : layers) ids.push_back("sha256:" + hex(layer));
  return json{{"os", "linux"},
              {"architecture", host_platform().architecture},
              {"config", {{"Cmd", {command}}}},
              {"rootfs", {{"type", "layers"}, {"diff_ids", ids}}}}
      .dump();
}

json descriptor(const std::string& bytes, const std::string& type) {
  return {{"mediaType", type}, {"digest", "sha256:" + hex(bytes)}, {"size", bytes.size()}};
}

const std::string kLayerA = TarBuilder().file("a", "first").str();
const std::string kLayerB = TarBuilder().file("b", "second").file(".wh.a").str();

/// A docker-archive as old Dockers wrote it: one directory per layer, the second a link to where the first is.
TarBuilder old_docker_archive(const std::string& tags = R"(["app:1"])") {
  std::string config = config_for({kLayerA, kLayerB, kLayerA});
  TarBuilder tar;
  tar.dir("l1").file("l1/VERSION", "1.0").file("l1/json", "{}").file("l1/layer.tar", kLayerA);
  tar.symlink("l3/layer.tar", "../l1/layer.tar");
  tar.file("manifest.json", R"([{"Config":")" + hex(config) + R"(.json","RepoTags":)" + tags +
                                R"(,"Layers":["l1/layer.tar","l2/layer.tar","l3/layer.tar"]}])");
  tar.file(hex(config) + ".json", config).file("l2/layer.tar", kLayerB).file("repositories", "{}");
  return tar;
}

/// The files of an OCI layout with one image under these annotations.
struct OciFiles {
  std::map<std::string, std::string> files;
  std::string manifest;

  explicit OciFiles(const json& annotations, const std::string& command = "run") {
    std::string config = config_for({kLayerA}, command);
    json layers = {descriptor(kLayerA, "application/vnd.oci.image.layer.v1.tar")};
    manifest = json{
        {"schemaVersion", 2},
        {"config", descriptor(config, "application/vnd.oci.image.config.v1+json")},
        {"layers",
         layers}}.dump();
    json entry = descriptor(manifest, "application/vnd.oci.image.manifest.v1+json");
    entry["annotations"] = annotations;
    files["oci-layout"] = R"({"imageLayoutVersion":"1.0.0"})";
    for (const std::string& blob : {config, kLayerA, manifest}) files["blobs/sha256/" + hex(blob)] = blob;
    files["index.json"] = json{{"schemaVersion", 2}, {"manifests", {entry}}}.dump();
  }
  [[nodiscard]] std::string tar() const {
    TarBuilder builder;
    for (const auto& [name, content] : files) builder.file(name, content);
    return builder.str();
  }
};

}  // namespace

TEST_CASE("an old docker-archive is loaded, links and order notwithstanding") {
  Fixture f;
  if (!f.root) return;
  auto loaded = load_archive(f.store, f.save("x.tar", old_docker_archive().str())).value();
  REQUIRE(loaded.size() == 1);
  CHECK(loaded[0].names == std::vector<std::string>{"docker.io/library/app:1"});
  Image image = f.store.resolve("app:1").value();
  CHECK(image.id == loaded[0].id);
  CHECK(image.config.cmd == std::vector<std::string>{"run"});
  REQUIRE(image.layer_dirs.size() == 2);
  CHECK(sys::read_file(image.layer_dirs[0] + "/a").value() == "first");
}

TEST_CASE("compression around an archive, and a pipe instead of a file, make no difference") {
  Fixture f;
  if (!f.root) return;
  std::string path = f.save("x.tar", old_docker_archive().str());
  for (const char* program : {"gzip -c", "zstd -q -c", "xz -c"}) {
    CAPTURE(program);
    REQUIRE(f.run(std::string(program) + " x.tar > x.packed") == 0);
    int pipes[2];
    REQUIRE(pipe2(pipes, O_CLOEXEC) == 0);
    sys::UniqueFd read_end(pipes[0]), write_end(pipes[1]);
    pid_t writer = fork();
    if (writer == 0) _exit(sys::write_all(write_end.ref(), sys::read_file(f.dir / "x.packed").value()).ok() ? 0 : 1);
    write_end.reset();
    CHECK(load_archive(f.store, read_end.ref())->size() == 1);
    int status = 0;
    REQUIRE(waitpid(writer, &status, 0) == writer);
    CHECK(status == 0);
  }
  CHECK(f.store.list()->size() == 1);
}

TEST_CASE("nothing is named, and nothing stays, of an archive that is not right") {
  Fixture f;
  if (!f.root) return;
  std::string good = old_docker_archive().str();
  std::string config = config_for({kLayerA});
  std::string id = hex(config);
  auto archive = [&](const std::string& manifest) {
    return TarBuilder().file("manifest.json", manifest).file(id + ".json", config).file("l.tar", kLayerA);
  };
  std::string manifest = R"([{"Config":")" + id + R"(.json","RepoTags":["x:1"],"Layers":["l.tar"]}])";
  REQUIRE(load_archive(f.store, f.save("control", archive(manifest).str())).ok());
  REQUIRE(f.store.remove("x:1", {}).ok());
  REQUIRE(f.empty());

  std::map<std::string, std::string> bad;
  bad["cut short"] = good.substr(0, good.size() / 2);
  bad["layer changed"] = archive(manifest).file("l.tar", kLayerB).str();
  bad["config changed"] = archive(manifest).file(id + ".json", config + " ").str();
  bad["layer missing"] = archive(R"([{"Config":")" + id + R"(.json","RepoTags":["x:1"],"Layers":["none.tar"]}])").str();
  bad["layer count"] = archive(R"([{"Config":")" + id + R"(.json","RepoTags":["x:1"],"Layers":[]}])").str();
  bad["bad name"] = archive(R"([{"Config":")" + id + R"(.json","RepoTags":["X Y"],"Layers":["l.tar"]}])").str();
  bad["not json"] = archive("[{").str();
  bad["link to the host"] = TarBuilder().symlink("manifest.json", "/etc/hostname").str();
  bad["link above"] = TarBuilder().symlink("manifest.json", "../../../etc/hostname").str();
  bad["link loop"] = TarBuilder().symlink("manifest.json", "manifest.json").str();
  bad["huge manifest"] = TarBuilder().file("manifest.json", std::string(5 << 20, ' ')).str();
  bad["no archive"] = "something else";
  bad["empty"] = "";
  for (const auto& [what, bytes] : bad) {
    CAPTURE(what);
    CHECK_FALSE(load_archive(f.store, f.save("bad.tar", bytes)).ok());
    CHECK(f.store.list()->empty());
    REQUIRE(f.store.garbage_collect({}).ok());
    CHECK(f.empty());
  }
  auto rootfs = load_archive(f.store, f.save("rootfs.tar", kLayerA));
  REQUIRE_FALSE(rootfs.ok());
  CHECK(rootfs.error().hint.find("berth import") != std::string::npos);
}

TEST_CASE("an OCI layout gives its names by either annotation, as a tar or as a directory") {
  Fixture f;
  if (!f.root) return;
  OciFiles both(
      json{{"io.containerd.image.name", "docker.io/library/full:2"}, {"org.opencontainers.image.ref.name", "2"}});
  CHECK(load_archive(f.store, f.save("both.tar", both.tar())).value()[0].names ==
        std::vector<std::string>{"docker.io/library/full:2"});
  CHECK(f.store.resolve("full:2")->manifest == sha256_of(both.manifest));
  OciFiles ref(json{{"org.opencontainers.image.ref.name", "localhost:5000/r:3"}}, "other");
  for (const auto& [name, content] : ref.files) {
    REQUIRE(sys::make_dirs(f.dir / "layout/blobs/sha256").ok());
    (void)f.save("layout/" + name, content);
  }
  CHECK(load_archive(f.store, f.dir / "layout").value()[0].names == std::vector<std::string>{"localhost:5000/r:3"});
  OciFiles none(json::object(), "third");
  auto unnamed = load_archive(f.store, f.save("none.tar", none.tar())).value();
  CHECK(unnamed[0].names.empty());
  CHECK(f.store.resolve(unnamed[0].id.hex()).ok());
}

TEST_CASE("a nested index gives the image for the platform that is asked for") {
  Fixture f;
  if (!f.root) return;
  OciFiles files(json::object());
  json entry = descriptor(files.manifest, "application/vnd.oci.image.manifest.v1+json");
  json other = entry;
  entry["platform"] = {{"os", "linux"}, {"architecture", "arm"}, {"variant", "v7"}};
  other["digest"] = "sha256:" + std::string(64, '0');  // is not in the archive, as a partial copy has it
  other["platform"] = {{"os", "linux"}, {"architecture", "riscv64"}};
  std::string inner = json{{"schemaVersion", 2}, {"manifests", {other, entry}}}.dump();
  json outer = descriptor(inner, "application/vnd.oci.image.index.v1+json");
  outer["annotations"] = {{"org.opencontainers.image.ref.name", "multi:1"}};
  files.files["blobs/sha256/" + hex(inner)] = inner;
  files.files["index.json"] = json{{"schemaVersion", 2}, {"manifests", {outer}}}.dump();
  std::string path = f.save("multi.tar", files.tar());
  CHECK(load_archive(f.store, path, Platform{"linux", "arm", "v7"}).ok());
  CHECK(f.store.resolve("multi:1").ok());
  CHECK(load_archive(f.store, path, Platform{"linux", "s390x", ""})
            .error()
            .message()
            .find("linux/riscv64, linux/arm/v7") != std::string::npos);
  CHECK(load_archive(f.store, path, Platform{"linux", "riscv64", ""}).error().message().find("0000") !=
        std::string::npos);
}

TEST_CASE("changed bytes in an OCI layout are found, whichever blob they are in") {
  Fixture f;
  if (!f.root) return;
  OciFiles good(json{{"org.opencontainers.image.ref.name", "x:1"}});
  for (const auto& [name, content] : good.files) {
    if (!name.starts_with("blobs/")) continue;
    CAPTURE(name);
    OciFiles bad = good;
    bad.files[name].replace(0, 1, "X");
    CHECK_FALSE(load_archive(f.store, f.save("bad.tar", bad.tar())).ok());
    CHECK(f.store.list()->empty());
  }
}

TEST_CASE("a root file system becomes an image, and the changes its config") {
  Fixture f;
  if (!f.root) return;
  ImportRequest request{"demo/app:2", {"ENV A=1", "CMD [\"/bin/x\"]", "EXPOSE 80"}, "made by hand"};
  Image image = import_tar(f.store, f.save("root.tar", kLayerA), request).value();
  CHECK(image.names == std::vector<std::string>{"docker.io/demo/app:2"});
  CHECK(image.config.env == std::vector<std::string>{"A=1"});
  CHECK(image.config.diff_ids == std::vector<Digest>{sha256_of(kLayerA)});
  CHECK(image.config.history.at(0).comment == "made by hand");
  CHECK(image.config.architecture == host_platform().architecture);
  for (const char* program : {"gzip -c", "zstd -q -c", "xz -c"}) {
    CAPTURE(program);
    REQUIRE(f.run(std::string(program) + " root.tar > root.packed") == 0);
    CHECK(import_tar(f.store, f.dir / "root.packed", request).value().config.diff_ids == image.config.diff_ids);
  }
  CHECK_FALSE(import_tar(f.store, f.dir / "root.tar", {"Bad Name", {}, ""}).ok());
  CHECK_FALSE(import_tar(f.store, f.dir / "root.tar", {"x", {"CMDD x"}, ""}).ok());
  CHECK(import_tar(f.store, f.dir / "none.tar", {"x", {}, ""}).error().message().find("none.tar") != std::string::npos);
}

TEST_CASE("skopeo and umoci read the store, and we read what skopeo and buildah write") {
  Fixture f;
  if (!f.root || !have("skopeo") || !have("umoci")) return;
  Image image =
      import_tar(f.store, f.save("root.tar", kLayerA), {"demo/app:2", {"CMD [\"/bin/x\"]", "LABEL who=me"}, ""})
          .value();
  std::string name = image.names[0];
  REQUIRE(f.run("skopeo inspect --config oci:images:" + name) == 0);
  CHECK(sys::read_file(f.dir / "log").value().find("/bin/x") != std::string::npos);
  for (const char* to : {"docker-archive:d.tar:demo/copy:1", "oci-archive:o.tar:demo/oci:1", "oci:layout:demo/dir:1"}) {
    CAPTURE(to);
    CHECK(f.run("skopeo --insecure-policy copy oci:images:" + name + " " + to) == 0);
  }
  REQUIRE(f.run("skopeo --insecure-policy copy --dest-compress-format zstd --dest-compress oci:images:" + name +
                " oci:zstd:demo/zstd:1") == 0);
  REQUIRE(f.run("tar -C zstd -cf z.tar .") == 0);
  for (const char* archive : {"d.tar", "o.tar", "layout", "z.tar"}) {
    CAPTURE(archive);
    auto loaded = load_archive(f.store, f.dir / archive);
    INFO((loaded ? "" : loaded.error().full()));
    REQUIRE(loaded.ok());
    CHECK(loaded->at(0).names.size() == 1);
    CHECK(f.store.resolve(loaded->at(0).names[0])->config.diff_ids == image.config.diff_ids);
  }
  // umoci wants a tag without slashes and colons: a copy of ours under such a name.
  REQUIRE(f.run("skopeo --insecure-policy copy oci:images:" + name +
                " oci:umoci:plain && umoci stat --image umoci:plain --json") == 0);
  REQUIRE(f.run("cd umoci && umoci unpack --image .:plain ../bundle && cat ../bundle/rootfs/a") == 0);
  REQUIRE(f.run("umoci list --layout images") == 0);
  CHECK(sys::read_file(f.dir / "log").value().find("demo/app:2") != std::string::npos);
}
