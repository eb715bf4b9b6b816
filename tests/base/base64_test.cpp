#include "base/base64.h"

#include <catch2/catch.hpp>

using namespace berth;

TEST_CASE("base64 goes both ways and refuses what it is not") {
  for (const char* text : {"", "u", "us", "use", "user", "user:p\xc3\xa4ss"}) {
    CHECK(base64_decode(base64_encode(text)) == std::string(text));
  }
  CHECK(base64_encode("user:pass") == "dXNlcjpwYXNz");
  CHECK(base64_decode("dXNlcg") == std::string("user"));
  CHECK_FALSE(base64_decode("dXNl!"));
  CHECK_FALSE(base64_decode("d"));
}
