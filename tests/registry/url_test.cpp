#include "registry/url.h"

#include <catch2/catch.hpp>

#include "registry/scope.h"

using namespace berth::registry;

TEST_CASE("URLs are the same server only with the same scheme, host and port") {
  auto origin = [](const char* text) { return parse_url(text).value().origin; };
  CHECK(origin("https://a.example/x") == origin("https://A.example:443/y?z"));
  CHECK(origin("https://a.example/") != origin("http://a.example/"));
  CHECK(origin("https://a.example/") != origin("https://a.example:444/"));
  CHECK(parse_url("http://[::1]:5000/v2/").value().authority == "[::1]:5000");
}

TEST_CASE("only http and https URLs without a user are taken") {
  for (const char* bad : {"file:///etc/passwd", "ftp://a/", "https://user:pass@a/", "a/b", "", "https://a b/"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_url(bad).ok());
  }
}

TEST_CASE("a location may be relative") {
  Url base = parse_url("https://a.example:5000/v2/x/blobs/uploads/").value();
  CHECK(resolve_url(base, "/v2/x/1?s=2").value().text == "https://a.example:5000/v2/x/1?s=2");
  CHECK(resolve_url(base, "https://b.example/z").value().text == "https://b.example/z");
  CHECK_FALSE(resolve_url(base, "file:///etc/passwd").ok());
  CHECK(with_query("https://a/x?s=2", "digest", "sha256:ab") == "https://a/x?s=2&digest=sha256%3Aab");
}

TEST_CASE("this machine is known by its name, not by what a name may lead to") {
  for (const char* local : {"localhost", "localhost:5000", "127.0.0.1:1", "127.9.9.9", "[::1]:5000", "LOCALHOST"}) {
    CAPTURE(local);
    CHECK(is_loopback(local));
  }
  for (const char* other : {"localhost.example", "128.0.0.1", "[::2]:5000", "10.0.0.1:5000", "127.0.0.1.example"}) {
    CAPTURE(other);
    CHECK_FALSE(is_loopback(other));
  }
}

TEST_CASE("scopes are joined by resource") {
  Scope scope = pull_scope("a/b");
  add_scope(scope, "repository:a/b:push,pull repository:host:5000/c:pull nonsense");
  CHECK(to_text(scope) == "repository:a/b:pull,push repository:host:5000/c:pull");
}
