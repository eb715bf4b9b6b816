#include "images/platform.h"

#include <catch2/catch.hpp>

using namespace berth::images;

TEST_CASE("platforms are written in several ways") {
  CHECK(parse_platform("linux/amd64")->str() == "linux/amd64");
  CHECK(parse_platform("x86_64")->str() == "linux/amd64");
  CHECK(parse_platform("linux/aarch64")->str() == "linux/arm64");
  CHECK(parse_platform("linux/arm/v7")->str() == "linux/arm/v7");
  CHECK(parse_platform("armhf")->str() == "linux/arm/v7");
  for (const char* bad : {"", "linux/", "/", "linux/amd64/v1/x", "windows/amd64", "linux/a b"})
    CHECK_FALSE(parse_platform(bad).ok());
}

TEST_CASE("the nearest lower variant serves, never a higher one") {
  std::vector<Platform> arm = {
      {"linux", "arm", "v5"}, {"linux", "arm", "v6"}, {"linux", "arm", "v7"}, {"linux", "arm64", "v8"}};
  CHECK(choose_platform({"linux", "arm", "v7"}, arm) == 2);
  CHECK(choose_platform({"linux", "arm", "v6"}, arm) == 1);
  CHECK(choose_platform({"linux", "arm64", ""}, arm) == 3);
  CHECK(choose_platform({"linux", "amd64", ""}, arm) == -1);
  std::vector<Platform> amd = {{"linux", "amd64", "v3"}, {"linux", "amd64", ""}};
  CHECK(choose_platform({"linux", "amd64", ""}, amd) == 1);
  CHECK(choose_platform({"linux", "amd64", "v3"}, amd) == 0);
  CHECK(choose_platform({"linux", "amd64", "v2"}, amd) == 1);
}
