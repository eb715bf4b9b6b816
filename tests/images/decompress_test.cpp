#include "images/decompress.h"

#include <catch2/catch.hpp>
#include <cstdlib>

#include "sys/file.h"
#include "tests/images/tar_builder.h"
#include "tests/support/temp_dir.h"

using namespace berth;
using namespace berth::images;
using berth::test::source_of;
using berth::test::TempDir;

namespace {

/// Runs a compressor of the system over `plain`.
std::string packed(const TempDir& dir, const std::string& plain, const std::string& command) {
  REQUIRE(sys::write_file_atomic(dir / "plain", plain, sys::Durability::none).ok());
  REQUIRE(std::system((command + " < " + (dir / "plain") + " > " + (dir / "packed")).c_str()) == 0);
  return sys::read_file(dir / "packed").value();
}

Result<std::string> unpack(const std::string& bytes, size_t piece = 64 * 1024) {
  Decompressor decompressor(source_of(bytes, piece));
  std::string plain;
  for (;;) {
    BERTH_TRY(std::string_view part, decompressor.read());
    if (part.empty()) return plain;
    plain += part;
  }
}

std::string sample() {
  std::string text;
  for (int i = 0; i < 60000; ++i) text += "line " + std::to_string(i * 7919) + "\n";
  return text;
}

}  // namespace

TEST_CASE("each compression is known by its first bytes and gives the same plain bytes, however it arrives") {
  TempDir dir;
  std::string plain = sample();
  for (const char* command : {"cat", "gzip -c", "gzip -1 -c", "zstd -q -c", "xz -c", "bzip2 -c"}) {
    CAPTURE(command);
    std::string bytes = packed(dir, plain, command);
    for (size_t piece : {size_t{1}, size_t{7}, size_t{4096}, bytes.size()})
      CHECK(unpack(bytes, piece).value() == plain);
  }
}

TEST_CASE("several members after each other are one stream") {
  TempDir dir;
  std::string plain = sample();
  for (const char* command : {"gzip -c", "zstd -q -c", "bzip2 -c"}) {
    CAPTURE(command);
    std::string one = packed(dir, plain, command);
    std::string empty = packed(dir, "", command);
    for (size_t piece : {size_t{1}, size_t{13}, size_t{100000}})
      CHECK(unpack(one + empty + one, piece).value() == plain + plain);
  }
  using namespace std::string_literals;
  std::string skippable = "\x50\x2a\x4d\x18\x03\0\0\0abc"s;
  CHECK(unpack(skippable + packed(dir, plain, "zstd -q -c")).value() == plain);
  CHECK(unpack(packed(dir, plain, "gzip -c") + std::string(1000, '\0')).value() == plain);
}

TEST_CASE("a stream that is cut or damaged anywhere is an error, never a short result") {
  TempDir dir;
  std::string plain = sample().substr(0, 20000);
  for (const char* command : {"gzip -c", "zstd -q --check -c", "xz -c", "bzip2 -c"}) {
    CAPTURE(command);
    std::string bytes = packed(dir, plain, command);
    for (size_t length = kMagicLength; length < bytes.size(); length += 97) {
      CAPTURE(length);
      CHECK_FALSE(unpack(bytes.substr(0, length)).ok());
    }
    for (size_t at = bytes.size() / 3; at < bytes.size() - 1; at += 211) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ 0x20);
      auto result = unpack(damaged);
      CHECK((!result.ok() || *result == plain));  // padding and flags may change without harm
    }
  }
}
