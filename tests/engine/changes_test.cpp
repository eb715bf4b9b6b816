#include "engine/changes.h"

#include <catch2/catch.hpp>

#include "tests/engine/values.h"

using namespace berth;
using namespace berth::engine;
using namespace berth::test;

namespace {

using Texts = std::vector<std::string>;

Texts texts(const std::vector<Change>& changes) {
  Texts out;
  for (const Change& change : changes) out.push_back(to_text(change));
  return out;
}

}  // namespace

TEST_CASE("what differs is named as the compose file names it, each attribute on its own") {
  ContainerConfig before, after;
  before.environment = {{"SAME", "1"}, {"LEVEL", "info"}, {"GONE", "x"}};
  after.environment = {{"LEVEL", "debug"}, {"SAME", "1"}, {"NEW", ""}};
  before.command = {"sleep", "1"};
  after.command = {"sleep", "2"};
  after.stop_grace_ns = 1'500'000'000;
  after.resources.memory = 1 << 20;
  after.health.emplace();
  after.health->interval = 5'000'000'000;
  CHECK(texts(changes_between(before, after)) ==
        Texts{"command: [\"sleep\",\"1\"] -> [\"sleep\",\"2\"]", "environment.GONE: \"x\" -> (not set)",
              "environment.LEVEL: \"info\" -> \"debug\"", "healthcheck: (not set) -> {\"interval\":\"5s\"}",
              "mem_limit: 0 -> 1048576", "stop_grace_period: (not set) -> \"1.5s\""});
}

TEST_CASE("mounts, networks, ports and contents are compared by what they are for") {
  ContainerConfig before = publishing(service("web"), 8080).container,
                  after = publishing(service("web"), 8081).container;
  before.mounts.push_back({.type = "volume", .source = "shop_a", .target = "/data", .place = "compose.yaml:1:1"});
  after.mounts.push_back({.type = "volume", .source = "shop_b", .target = "/data", .place = "compose.yaml:9:9"});
  after.mounts.push_back({.type = "tmpfs", .target = "/run"});
  after.attachments.push_back({.network = "shop_back"});
  after.files.push_back({.content = "secret", .target = "/run/secrets/key"});
  Texts found = texts(changes_between(before, after));
  CHECK(found[0] == "networks.shop_back: (not set) -> {}");
  CHECK(found[1] == "ports: [\"8080:80/tcp\"] -> [\"8081:80/tcp\"]");
  CHECK(found[2].starts_with("secrets./run/secrets/key: (not set) -> {\"digest\":\"sha256:"));
  CHECK(found[2].find("\"secret\"") == std::string::npos);
  CHECK(found[3] == "volumes./data.source: \"shop_a\" -> \"shop_b\"");
  CHECK(found[4] == "volumes./run: (not set) -> {\"type\":\"tmpfs\"}");
}

TEST_CASE("where a network or volume is written, and the labels of its project, make no other one") {
  NetworkConfig before = network("shop_default"), after = before;
  before.labels = {{"com.docker.compose.project", "shop"}};
  before.ipam.push_back({.subnet = "10.0.0.0/24", .place = "compose.yaml:3:3"});
  after.ipam.push_back({.subnet = "10.0.0.0/24", .place = "compose.yaml:4:4"});
  after.place = "compose.yaml:2:2";
  CHECK(changes_between(before, after).empty());
  VolumeConfig data = volume("shop_data"), labelled = data;
  labelled.labels = {{"com.docker.compose.volume", "data"}, {"a", "1"}};
  CHECK(texts(changes_between(data, labelled)) == Texts{"labels.a: (not set) -> \"1\""});
}
