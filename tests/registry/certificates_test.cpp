#include "registry/certificates.h"

#include <catch2/catch.hpp>

#include "sys/file.h"
#include "tests/support/temp_dir.h"

using namespace berth;
using namespace berth::registry;

namespace {

void put(const std::string& path, const std::string& text) {
  REQUIRE(sys::make_dirs(path.substr(0, path.rfind('/'))).ok());
  REQUIRE(sys::write_file_atomic(path, text, sys::Durability::none).ok());
}

}  // namespace

TEST_CASE("certificates are found by host and port, in all directories") {
  test::TempDir a, b;
  put(a / "r.example:5000/one.crt", "ONE");
  put(a / "r.example:5000/client.cert", "CERT");
  put(a / "r.example:5000/client.key", "KEY");
  put(b / "r.example:5000/two.crt", "TWO");
  put(b / "r.example:5000/README", "no certificate");
  Trust trust = trust_for({a.path(), b.path()}, "r.example:5000", true).value();
  CHECK(trust.authorities == "ONE\nTWO\n");
  CHECK(trust.certificate == a / "r.example:5000/client.cert");
  CHECK(trust.key == a / "r.example:5000/client.key");
  CHECK(trust.verify);
  CHECK(trust_for({a.path(), b.path()}, "r.example", true).value().authorities.empty());
  CHECK(trust_for({a / "missing"}, "r.example:5000", false).value().authorities.empty());
}

TEST_CASE("half a pair of certificate and key is an error") {
  test::TempDir directory;
  put(directory / "a/client.cert", "CERT");
  put(directory / "b/client.key", "KEY");
  CHECK(trust_for({directory.path()}, "a", true).error().message().find("expected its key client.key") !=
        std::string::npos);
  CHECK(trust_for({directory.path()}, "b", true).error().message().find("client.cert") != std::string::npos);
}

TEST_CASE("a host leads to no other directory") {
  test::TempDir directory;
  put(directory / "stray.crt", "STRAY");
  CHECK(trust_for({directory / "certs.d"}, "..", true).value().authorities.empty());
  CHECK(trust_for({directory.path()}, ".", true).value().authorities.empty());
}
