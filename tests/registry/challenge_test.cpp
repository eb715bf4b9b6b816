#include "registry/challenge.h"

#include <catch2/catch.hpp>

using namespace berth::registry;

TEST_CASE("a bearer challenge names its token service") {
  auto challenges = parse_challenges(
      R"(Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/nginx:pull,push")");
  REQUIRE(challenges.size() == 1);
  CHECK(challenges[0].scheme == "bearer");
  CHECK(challenges[0].parameter("realm") == "https://auth.docker.io/token");
  CHECK(challenges[0].parameter("service") == "registry.docker.io");
  CHECK(challenges[0].parameter("scope") == "repository:library/nginx:pull,push");
  CHECK(challenges[0].parameter("error").empty());
}

TEST_CASE("one header may hold several challenges, with and without quotes, spaces and credentials") {
  auto challenges = parse_challenges(R"(Negotiate YII/x+==, BASIC Realm = plain , Digest, Bearer realm="a \"b\", c")");
  REQUIRE(challenges.size() == 4);
  CHECK(challenges[0].scheme == "negotiate");
  CHECK(challenges[0].parameters.empty());
  CHECK(challenges[1].scheme == "basic");
  CHECK(challenges[1].parameter("realm") == "plain");
  CHECK(challenges[2].scheme == "digest");
  CHECK(challenges[3].parameter("realm") == R"(a "b", c)");
}

TEST_CASE("what is no challenge does no harm") {
  for (const char* text :
       {"", ",,,", "=", "\"", "Bearer realm=\"open", "\\", "Bearer realm", "realm=\"x\"", "Basic realm=\\"}) {
    CAPTURE(text);
    CHECK(parse_challenges(text).size() <= 2);
  }
}
