#include "images/config.h"

#include <catch2/catch.hpp>

#include "images/manifest.h"

using namespace berth;
using namespace berth::images;

namespace {
const std::string kHex(64, 'b');

std::string descriptor(const std::string& digest) {
  return R"({"mediaType":"x","size":1,"digest":")" + digest + R"("})";
}
const std::string kGood = descriptor("sha256:" + kHex);
}  // namespace

TEST_CASE("a config of Docker's is read in full") {
  ImageConfig config =
      parse_image_config(R"({"architecture":"arm64","os":"linux","variant":"v8","created":"2024-01-01T00:00:00Z",
    "config":{"Entrypoint":["docker-entrypoint.sh"],"Cmd":["postgres"],"Env":["PATH=/bin","A="],"User":"70:70","WorkingDir":"/w",
    "Volumes":{"/var/lib/b":{},"/a":{}},"ExposedPorts":{"5432/tcp":{}},"StopSignal":"SIGINT","Labels":{"k":"v"},"Shell":null,
    "OnBuild":["RUN x"],"Healthcheck":{"Test":["CMD-SHELL","pg_isready"],"Interval":5000000000,"Retries":3,"StartPeriod":1},"Future":{"x":1}},
    "rootfs":{"type":"layers","diff_ids":["sha256:)" +
                         kHex + R"("]},
    "history":[{"created":"c","created_by":"b","comment":"m"},{"empty_layer":true}]})")
          .value();
  CHECK(config.entrypoint == std::vector<std::string>{"docker-entrypoint.sh"});
  CHECK(config.cmd == std::vector<std::string>{"postgres"});
  CHECK(config.env == std::vector<std::string>{"PATH=/bin", "A="});
  CHECK(config.user == "70:70");
  CHECK(config.volumes == std::vector<std::string>{"/a", "/var/lib/b"});
  CHECK(config.exposed_ports == std::vector<std::string>{"5432/tcp"});
  CHECK(config.healthcheck->interval == std::chrono::seconds(5));
  CHECK(config.healthcheck->retries == 3);
  CHECK(config.diff_ids.at(0).hex() == kHex);
  CHECK(config.history.at(1).empty_layer);
  CHECK(config.variant == "v8");
  CHECK(parse_image_config(render_image_config(config)).value() == config);
}

TEST_CASE("a bad config is refused with the field's name") {
  auto message = [](const std::string& text) { return parse_image_config(text).error().message(); };
  CHECK(message(R"({"config":{"Env":"A=1"}})").find("\"Env\"") != std::string::npos);
  CHECK(message(R"({"config":{"Env":[1]}})").find("\"Env\"") != std::string::npos);
  CHECK(message(R"({"rootfs":{"diff_ids":["sha256:../x"]}})").find("diff_ids") != std::string::npos);
  CHECK(message("[]").find("object") != std::string::npos);
  CHECK(message("{").find("JSON") != std::string::npos);
  CHECK(message("{\"a\":" + std::string(5000, '[') + std::string(5000, ']') + "}").find("deep") != std::string::npos);
}

TEST_CASE("a document that is manifest and index at once is refused") {
  std::string both = R"({"schemaVersion":2,"config":)" + kGood + R"(,"layers":[],"manifests":[]})";
  CHECK_FALSE(parse_manifest(both).ok());
  CHECK_FALSE(parse_index(both).ok());
}

TEST_CASE("manifests are checked before anything in them is used") {
  auto manifest = [](const std::string& layers) {
    return R"({"schemaVersion":2,"config":)" + kGood + R"(,"layers":[)" + layers + "]}";
  };
  Manifest good = parse_manifest(manifest(kGood + "," + kGood)).value();
  CHECK(good.layers.size() == 2);
  CHECK(parse_manifest(render_manifest(good))->layers == good.layers);
  CHECK_FALSE(parse_manifest(manifest(descriptor("sha256:../../x"))).ok());
  CHECK_FALSE(parse_manifest(R"({"schemaVersion":1})").ok());
  CHECK_FALSE(parse_manifest(R"({"schemaVersion":2,"layers":[]})").ok());
  std::string size = R"({"mediaType":"x","size":-1,"digest":"sha256:)" + kHex + "\"}";
  CHECK_FALSE(parse_manifest(manifest(size)).ok());
  std::string many = kGood;
  for (int i = 0; i < 1000; ++i) many += "," + kGood;
  CHECK_FALSE(parse_manifest(manifest(many)).ok());
}

TEST_CASE("an index gives the image for the platform and passes attestations over") {
  auto entry = [](char digit, const std::string& platform) {
    return R"({"mediaType":"m","size":1,"digest":"sha256:)" + std::string(64, digit) + R"(","platform":)" + platform +
           "}";
  };
  Index index =
      parse_index(R"({"schemaVersion":2,"manifests":[)" + entry('1', R"({"os":"unknown","architecture":"unknown"})") +
                  "," + entry('2', R"({"os":"linux","architecture":"arm64","variant":"v8"})") + "," +
                  entry('3', R"({"os":"linux","architecture":"amd64"})") + "]}")
          .value();
  CHECK(choose_manifest(index, {"linux", "amd64", ""})->digest.hex()[0] == '3');
  CHECK(choose_manifest(index, {"linux", "arm64", ""})->digest.hex()[0] == '2');
  auto missing = choose_manifest(index, {"linux", "s390x", ""});
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.error().message().find("linux/arm64/v8, linux/amd64") != std::string::npos);
}
