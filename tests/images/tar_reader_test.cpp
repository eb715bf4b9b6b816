#include "images/tar_reader.h"

#include <catch2/catch.hpp>
#include <cstdlib>

#include "sys/file.h"
#include "tests/images/tar_builder.h"
#include "tests/support/temp_dir.h"

using namespace berth;
using namespace berth::images;
using berth::test::source_of;
using berth::test::TarBuilder;
using berth::test::TempDir;

namespace {

Result<std::vector<TarEntry>> entries(const std::string& tar, size_t piece = 64 * 1024) {
  TarReader reader(source_of(tar, piece));
  std::vector<TarEntry> all;
  for (;;) {
    TarEntry entry;
    BERTH_TRY(bool more, reader.next(entry));
    if (!more) break;
    all.push_back(std::move(entry));
  }
  BERTH_TRY_OK(reader.drain());
  return all;
}

std::string real_tar(const TempDir& dir, const std::string& options) {
  REQUIRE(std::system(("tar -C " + (dir / "in") + " " + options + " -cf " + (dir / "out.tar") + " .").c_str()) == 0);
  return sys::read_file(dir / "out.tar").value();
}

const TarEntry* named(const std::vector<TarEntry>& list, const std::string& name) {
  for (const TarEntry& entry : list) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

}  // namespace

TEST_CASE("every format that tar writes gives the same names, sizes and times") {
  TempDir dir;
  REQUIRE(sys::make_dirs(dir / "in").ok());
  std::string longest = "d/" + std::string(90, 'x') + "/" + std::string(120, 'y');
  REQUIRE(std::system(("cd " + (dir / "in") + " && mkdir -p d/$(printf 'x%.0s' $(seq 90)) && echo hello > " + longest +
                       " && ln -s " + longest + " link && touch -d @1234567890.5 " + longest + " && ln " + longest +
                       " hard")
                          .c_str()) == 0);
  for (const char* format : {"--format=gnu", "--format=pax", "--format=oldgnu"}) {
    CAPTURE(format);
    std::string tar = real_tar(dir, std::string("--sort=name ") + format);
    for (size_t piece : {size_t{1}, size_t{511}, size_t{1000000}}) {
      auto list = entries(tar, piece).value();
      const TarEntry* file = named(list, "./" + longest);
      REQUIRE(file != nullptr);
      CHECK(file->mtime == 1234567890);
      CHECK(named(list, "./link")->link_name == longest);
      CHECK(named(list, "./hard")->type == TarType::hard_link);
      CHECK(file->size == 6);
    }
  }
}

TEST_CASE("sparse files of all GNU formats have their holes where they were") {
  TempDir dir;
  REQUIRE(sys::make_dirs(dir / "in").ok());
  // Ten islands of data in 10 MB: more than fit into the header block of the old format.
  REQUIRE(std::system(("cd " + (dir / "in") +
                       " && truncate -s 10000000 s && for i in 0 1 2 3 4 5 6 7 8 9; do printf island$i | "
                       "dd of=s bs=1 seek=$((i*1000000)) conv=notrunc status=none; done")
                          .c_str()) == 0);
  for (const char* format : {"--format=oldgnu", "--format=gnu", "--format=pax --sparse-version=0.0",
                             "--format=pax --sparse-version=0.1", "--format=pax --sparse-version=1.0"}) {
    CAPTURE(format);
    std::string tar = real_tar(dir, std::string("-S ") + format);
    REQUIRE(tar.size() < 1000000);
    auto list = entries(tar, 100).value();
    const TarEntry* file = named(list, "./s");
    REQUIRE(file != nullptr);
    CHECK(file->sparse);
    CHECK(file->size == 10000000);
    REQUIRE(file->segments.size() == 10);
    CHECK(file->segments[7].offset <= 7000000);
    CHECK(file->segments[7].offset + file->segments[7].length >= 7000007);
  }
}

TEST_CASE("PAX records override the header") {
  TarBuilder tar;
  tar.pax({{"path", "real"},
           {"mtime", "-1.25"},
           {"uid", "3000000000"},
           {"size", "3"},
           {"SCHILY.xattr.user.a", std::string("\0b=\n", 4)},
           {"LIBARCHIVE.xattr.user.%63", "aGk"}});
  tar.header({.name = "ignored"}).data("abc");
  auto list = entries(tar.str()).value();
  REQUIRE(list.size() == 1);
  CHECK(list[0].name == "real");
  CHECK(list[0].mtime == -2);
  CHECK(list[0].mtime_ns == 750000000);
  CHECK(list[0].uid == 3000000000);
  CHECK(list[0].size == 3);
  REQUIRE(list[0].xattrs.size() == 2);
  CHECK(list[0].xattrs[0].second == std::string("\0b=\n", 4));
  CHECK(list[0].xattrs[1] == std::pair<std::string, std::string>("user.c", "hi"));
}

TEST_CASE("a tar may lack its end mark and its last padding, but no byte of a header or a file") {
  TarBuilder tar;
  tar.file("a", "content");
  constexpr size_t kData = 512 + 7;
  CHECK(entries(tar.without_end())->size() == 1);
  CHECK(entries("")->empty());
  for (size_t length = 1; length < kData; ++length) {
    CAPTURE(length);
    CHECK_FALSE(entries(tar.without_end().substr(0, length)).ok());
  }
  for (size_t length = kData; length < 1024; length += 61)
    CHECK(entries(tar.without_end().substr(0, length))->size() == 1);
}

TEST_CASE("damaged headers are errors") {
  CHECK_FALSE(entries(std::string(2000, 'x')).ok());
  CHECK_FALSE(entries(TarBuilder().header({.name = "a", .type = 'Q'}).str()).ok());
  CHECK_FALSE(entries(std::string(512, '\0') + TarBuilder().file("a").str()).ok());
  CHECK_FALSE(entries(TarBuilder().header({.name = "x", .type = 'x', .size = uint64_t{5} << 20}).str()).ok());
  CHECK_FALSE(entries(TarBuilder().pax({{"path", std::string("a\0b", 3)}}).file("x").str()).ok());
  CHECK_FALSE(entries(TarBuilder().pax({{"size", "99999999999999999999"}}).file("x").str()).ok());
  CHECK_FALSE(entries(TarBuilder().pax({{"size", "-1"}}).file("x").str()).ok());
  CHECK_FALSE(
      entries(TarBuilder().header({.name = "x", .type = 'x', .size = 9}).data("99 path=x").file("a").str()).ok());
  // Sparse maps that overlap, go backwards, or promise what is not stored.
  for (const char* map : {"0,2,1,1", "5,1,0,1", "0,100", "0,3,9999999999999999999,1", "0"}) {
    CAPTURE(map);
    CHECK_FALSE(
        entries(TarBuilder().pax({{"GNU.sparse.size", "10"}, {"GNU.sparse.map", map}}).file("x", "abc").str()).ok());
  }
}
