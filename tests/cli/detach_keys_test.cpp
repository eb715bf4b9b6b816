#include "cli/detach_keys.h"

#include <catch2/catch.hpp>

using namespace berth::cli;

namespace {

DetachKeys keys(const std::string& text) {
  auto parsed = DetachKeys::parse(text);
  REQUIRE(parsed);
  return std::move(parsed).value();
}

}  // namespace

TEST_CASE("what is typed goes on, the keys do not") {
  DetachKeys k = keys("ctrl-p,ctrl-q");
  CHECK(k.filter("ls\r") == "ls\r");
  CHECK(k.filter("\x10") == "");
  CHECK(k.filter("x") == "\x10x");
  CHECK(k.filter("\x10\x10") == "\x10");
  CHECK(k.filter("\x11") == std::nullopt);
  CHECK(keys("ctrl-p,ctrl-q").filter("abc\x10\x11") == std::nullopt);
}

TEST_CASE("keys are letters and control characters") {
  CHECK(keys("x").filter("yx") == std::nullopt);
  CHECK(keys("ctrl-@").filter(std::string(1, '\0')) == std::nullopt);
  CHECK(keys("ctrl-_").filter("\x1f") == std::nullopt);
  CHECK(keys("ctrl-[,a")
            .filter("\x1b"
                    "a") == std::nullopt);
  for (const char* wrong : {"", "ctrl-", "ctrl-1", "ctrl-p,", "esc", "ctrl-P"}) {
    auto parsed = DetachKeys::parse(wrong);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().message().find("is no key") != std::string::npos);
  }
}
