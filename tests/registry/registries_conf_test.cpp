#include "registry/registries_conf.h"

#include <catch2/catch.hpp>

using namespace berth;
using namespace berth::registry;

namespace {

/// "host path" of each endpoint, "m" and "i" before it for a mirror and for insecure.
std::string where(const std::string& conf, const std::string& repository) {
  auto parsed = RegistriesConf::parse(conf, "r.conf");
  if (!parsed) return "error: " + parsed.error().message();
  auto endpoints = parsed->endpoints(repository);
  if (!endpoints) return "error: " + endpoints.error().message();
  std::string text;
  for (const Endpoint& endpoint : *endpoints) {
    text += (text.empty() ? "" : ", ") + std::string(endpoint.mirror ? "m " : "") + (endpoint.insecure ? "i " : "") +
            endpoint.host + " " + endpoint.path;
  }
  return text;
}

}  // namespace

TEST_CASE("without a rule a repository is at its own registry") {
  CHECK(where("", "docker.io/library/nginx") == "registry-1.docker.io library/nginx");
  CHECK(where("", "ghcr.io/a/b") == "ghcr.io a/b");
  CHECK(where("", "ghcr.io") == "ghcr.io ");
  CHECK(where("", "localhost:5000/a") == "i localhost:5000 a");
}

TEST_CASE("mirrors come before the registry") {
  const char* conf = R"(
[[registry]]
prefix = "docker.io"
[[registry.mirror]]
location = "mirror.example/hub"
[[registry.mirror]]
location = "127.0.0.1:5000"
)";
  CHECK(where(conf, "docker.io/library/nginx") ==
        "m mirror.example hub/library/nginx, m i 127.0.0.1:5000 library/nginx, registry-1.docker.io library/nginx");
  CHECK(where(conf, "docker.ioo/x") == "docker.ioo x");
}

TEST_CASE("the longest prefix counts, and the location takes its place") {
  const char* conf = R"(
[[registry]]
location = "example.com"
insecure = true
[[registry]]
prefix = "example.com/foo"
location = "internal.example:5000/bar"
[[registry]]
prefix = "evil.example"
blocked = true
)";
  CHECK(where(conf, "example.com/x") == "i example.com x");
  CHECK(where(conf, "example.com/foo/image") == "internal.example:5000 bar/image");
  CHECK(where(conf, "example.com/food") == "i example.com food");
  CHECK(where(conf, "evil.example/x") == "error: evil.example/x: blocked by r.conf:8:1");
}

TEST_CASE("mistakes have their place, and what was expected") {
  CHECK(where("[[registry]]\nlocatoin = \"a\"", "x/y") ==
        "error: r.conf:2:1: unknown key \"locatoin\"; expected prefix, location, insecure, blocked, mirror");
  CHECK(where("unqualified-search-registries = []", "x/y") ==
        "error: r.conf:1:1: unknown key \"unqualified-search-registries\"; expected registry");
  CHECK(where("[[registry]]\nlocation = \"a\"\ninsecure = \"yes\"", "x/y") ==
        "error: r.conf:3:12: insecure: expected true or false");
  CHECK(where("[registry]\nlocation = \"a\"", "x/y")
            .starts_with("error: r.conf:1:1: registry: expected [[registry]] tables"));
  CHECK(where("[[registry]]\ninsecure = true", "x/y") == "error: r.conf:1:1: expected prefix or location");
  for (const char* bad : {"https://a", "*.example.com", "a b", "", "a:port", "a?b", "u@a"}) {
    CAPTURE(bad);
    CHECK(where("[[registry]]\nlocation = \"" + std::string(bad) + "\"", "x/y")
              .starts_with("error: r.conf:2:12: location: expected host"));
  }
  CHECK(where("[[registry]]\nlocation = ", "x/y").starts_with("error: r.conf:2:"));
  CHECK(RegistriesConf::parse("[[registry]]\nlocatoin = \"a\"", "f").error().hint == "did you mean \"location\"?");
}
