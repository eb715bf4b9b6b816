#include "base/crc32c.h"

#include <catch2/catch.hpp>
#include <string>

using berth::crc32c;

namespace {

uint32_t of(const std::string& text) {
  return crc32c(0, text.data(), text.size());
}

}  // namespace

TEST_CASE("CRC-32C gives the values of RFC 3720") {
  CHECK(of("123456789") == 0xE3069283);
  CHECK(of(std::string(32, '\0')) == 0x8A9136AA);
  CHECK(of(std::string(32, '\xff')) == 0x62A8AB43);
  std::string up, down;
  for (char c = 0; c < 32; ++c) up += c, down += static_cast<char>(31 - c);
  CHECK(of(up) == 0x46DD794E);
  CHECK(of(down) == 0x113FDB5C);
  CHECK(of("") == 0);
}

TEST_CASE("a CRC-32C goes on where it stopped, at any place and alignment") {
  std::string text;
  for (int i = 0; i < 100; ++i) text += static_cast<char>(i * 7);
  uint32_t whole = of(text);
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    CHECK(crc32c(crc32c(0, text.data(), cut), text.data() + cut, text.size() - cut) == whole);
  }
}
