#include "images/reference.h"

#include <catch2/catch.hpp>

using namespace berth;
using namespace berth::images;

namespace {
const std::string kHex(64, 'a');
const std::string kDigest = "sha256:" + kHex;

std::string full(const std::string& text) {
  auto reference = parse_reference(text);
  return reference ? reference->str() : "error: " + reference.error().message();
}
}  // namespace

TEST_CASE("short names mean Docker Hub, and a missing tag is latest") {
  CHECK(full("nginx") == "docker.io/library/nginx:latest");
  CHECK(full("postgres:16-alpine") == "docker.io/library/postgres:16-alpine");
  CHECK(full("grafana/grafana") == "docker.io/grafana/grafana:latest");
  CHECK(full("docker.io/nginx") == "docker.io/library/nginx:latest");
  CHECK(full("index.docker.io/a/b:1") == "docker.io/a/b:1");
}

TEST_CASE("a registry is known by a dot, a port, or its name localhost") {
  CHECK(full("localhost:5000/app") == "localhost:5000/app:latest");
  CHECK(full("localhost/app:x") == "localhost/app:x");
  CHECK(full("ghcr.io/org/team/app:v1.2") == "ghcr.io/org/team/app:v1.2");
  CHECK(full("[::1]:5000/app") == "[::1]:5000/app:latest");
  CHECK(full("app:5000") == "docker.io/library/app:5000");
  CHECK(full("host:5000/app:1") == "host:5000/app:1");
}

TEST_CASE("digests stand beside tags or instead of them") {
  CHECK(full("nginx@" + kDigest) == "docker.io/library/nginx@" + kDigest);
  CHECK(full("nginx:1.25@" + kDigest) == "docker.io/library/nginx:1.25@" + kDigest);
  CHECK(parse_reference("nginx@" + kDigest)->name() == "docker.io/library/nginx@" + kDigest);
  CHECK(parse_reference("nginx:1.25@" + kDigest)->name() == "docker.io/library/nginx:1.25");
}

TEST_CASE("the familiar form drops what Docker adds, and reading it again gives the same") {
  for (const char* text : {"nginx:latest", "grafana/grafana:10", "localhost:5000/a/b:1", "quay.io/x:y", "library/x/y:z",
                           "index.docker.io/a.b/c", "docker.io/localhost/x"}) {
    Reference reference = parse_reference(text).value();
    CHECK(parse_reference(reference.familiar()).value() == reference);
    CHECK(parse_reference(reference.str()).value() == reference);
  }
  CHECK(parse_reference("docker.io/library/nginx")->familiar() == "nginx:latest");
  CHECK(parse_reference("docker.io/library/x/y:z")->familiar() == "library/x/y:z");
  CHECK(familiar_name("docker.io/library/db:1") == "db:1");
}

TEST_CASE("bad references are refused and say what was expected") {
  for (const char* bad : {"",     ":tag",         "a//b",         "a/",    "/a",        "Nginx", "a:",
                          "a:-x", "a@sha256:xyz", "a@md5:1",      "a b",   "a..b",      "a.",    "-a",
                          "a_-b", "host:port/a",  "host:70000/a", "a:b:c", "../../etc", "a\nb",  "ho_st.x/a"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_reference(bad).ok());
  }
  CHECK(parse_reference(kHex).error().message().find("image id") != std::string::npos);
  CHECK(parse_reference("Nginx:1").error().full().find("lower-case") != std::string::npos);
  CHECK_FALSE(parse_reference(std::string(256, 'a')).ok());
  CHECK_FALSE(parse_reference("a:" + std::string(129, 't')).ok());
  CHECK(parse_reference("a:" + std::string(128, 't')).ok());
}

TEST_CASE("only well-formed digests become digests") {
  CHECK(Digest::parse(kDigest)->hex() == kHex);
  for (const std::string& bad :
       {std::string("sha256:../../etc/passwd"), "sha256:" + std::string(63, 'a'), "sha256:" + std::string(64, 'A'),
        "sha512:" + kHex, kHex, kDigest + "a", kDigest + "\n", std::string()}) {
    CHECK_FALSE(Digest::parse(bad).ok());
  }
}

TEST_CASE("hashing in pieces is hashing the whole, and the stream may go on after a digest") {
  Sha256 hash;
  CHECK(hash.digest().hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  hash.update("a");
  CHECK(hash.digest() == sha256_of("a"));
  hash.update("bc");
  CHECK(hash.digest().hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
