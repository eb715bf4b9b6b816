#include "engine/log_reader.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <fstream>

#include "tests/support/temp_dir.h"

using namespace berth;
using namespace berth::engine;

namespace {

using Lines = std::vector<std::string>;

std::string frame(const std::string& text, uint8_t flags = 0, uint8_t stream = 1, int64_t time = 0) {
  LogFrame header{};
  header.time_ns = time;
  header.length = static_cast<uint32_t>(text.size());
  header.stream = stream;
  header.flags = flags;
  seal(header, text.data());
  return std::string(reinterpret_cast<const char*>(&header), sizeof header) + text;
}

struct Log {
  test::TempDir dir;
  std::string path = dir / "log";

  explicit Log(const std::string& bytes) { append(bytes); }
  void append(const std::string& bytes, int file = 0) const {
    std::string name = file == 0 ? path : path + "." + std::to_string(file);
    std::ofstream(name, std::ios::app | std::ios::binary) << bytes;
  }
  [[nodiscard]] LogReader reader() const {
    Result<LogReader> reader = LogReader::open(path);
    REQUIRE(reader);
    return std::move(reader).value();
  }
};

std::string gap(uint64_t lines, int error) {
  LogGap lost{lines, error, 0};
  return frame(std::string(reinterpret_cast<const char*>(&lost), sizeof lost), kLogGap);
}

/// Each entry's text; a partial one with "…" behind it, "$" for the end of a stream, and "-N" for lost lines.
Lines read_all(LogReader& reader) {
  Lines lines;
  while (std::optional<LogEntry> entry = reader.next()) {
    if (entry->kind != LogEntry::Kind::text) {
      lines.push_back(entry->kind == LogEntry::Kind::end ? "$" : "-" + std::to_string(entry->lost));
      continue;
    }
    lines.push_back(std::string(entry->text) + (entry->partial ? "…" : ""));
  }
  return lines;
}

Lines read_bytes(const std::string& bytes) {
  Log log(bytes);
  LogReader reader = log.reader();
  return read_all(reader);
}

std::string numbered(int count) {
  std::string bytes;
  for (int i = 0; i < count; ++i) bytes += frame("line " + std::to_string(i));
  return bytes;
}

}  // namespace

TEST_CASE("a log that was never written is ENOENT") {
  test::TempDir dir;
  Result<LogReader> reader = LogReader::open(dir / "log");
  REQUIRE_FALSE(reader);
  CHECK(reader.error().code == ENOENT);
  CHECK(last_lines(dir / "log", 5).empty());
}

TEST_CASE("entries come with their text, stream and time") {
  Log log(frame("out", 0, 1, 7) + frame("err", 0, 2, 8) + frame(""));
  LogReader reader = log.reader();
  std::optional<LogEntry> entry = reader.next();
  REQUIRE(entry);
  CHECK(entry->text == "out");
  CHECK(entry->stream == 1);
  CHECK(entry->time_ns == 7);
  CHECK_FALSE(entry->partial);
  entry = reader.next();
  REQUIRE(entry);
  CHECK(entry->stream == 2);
  entry = reader.next();
  REQUIRE(entry);
  CHECK(entry->text.empty());
  CHECK_FALSE(reader.next());
}

TEST_CASE("a part of a line says that it is one") {
  CHECK(read_bytes(frame("a", kLogPartial) + frame("b")) == Lines{"a…", "b"});
}

TEST_CASE("more than a buffer's worth of log is read to its end") {
  std::string line(kMaxLogPayload, 'x'), bytes;
  for (int i = 0; i < 200; ++i) bytes += frame(line);
  Lines lines = read_bytes(bytes);
  REQUIRE(lines.size() == 200);
  CHECK(lines.back() == line);
}

TEST_CASE("damage costs the frames it hits and no others") {
  std::string good = frame("first"), bad = frame("hit"), rest = frame("second") + frame("third");
  SECTION("a hole of NUL bytes, as a power cut leaves") {
    CHECK(read_bytes(good + std::string(5000, '\0') + rest) == Lines{"first", "second", "third"});
    CHECK(read_bytes(std::string(3 << 20, '\0') + rest) == Lines{"second", "third"});
  }
  SECTION("one bit, wherever it flips") {
    for (size_t bit = 0; bit < bad.size() * 8; ++bit) {
      std::string flipped = bad;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
      INFO("bit " << bit);
      CHECK(read_bytes(good + flipped + rest) == Lines{"first", "second", "third"});
    }
  }
  SECTION("a frame cut short before others") {
    for (size_t size = 1; size < bad.size(); ++size) {
      INFO("cut to " << size);
      CHECK(read_bytes(good + bad.substr(0, size) + rest + frame("fourth")) ==
            Lines{"first", "second", "third", "fourth"});
    }
  }
  SECTION("a long frame that was torn when its writer was killed") {
    std::string torn = frame(std::string(5000, 'x'));
    for (size_t size : {24, 25, 100, 5000}) {
      INFO("cut to " << size);
      CHECK(read_bytes(good + torn.substr(0, size) + rest) == Lines{"first", "second", "third"});
    }
  }
  SECTION("a payload that looks like frames") {
    CHECK(read_bytes(good + frame(frame("inner")) + rest) == Lines{"first", frame("inner"), "second", "third"});
  }
}

TEST_CASE("a frame that is being written is read when it is complete") {
  std::string second = frame("second");
  for (size_t size = 0; size < second.size(); ++size) {
    INFO("cut to " << size);
    Log log(frame("first") + second.substr(0, size));
    LogReader reader = log.reader();
    CHECK(read_all(reader) == Lines{"first"});
    CHECK(read_all(reader).empty());
    log.append(second.substr(size));
    CHECK(read_all(reader) == Lines{"second"});
    log.append(frame("third"));
    CHECK(read_all(reader) == Lines{"third"});
  }
}

TEST_CASE("a magic number that lies across two reads is found") {
  std::string bytes = frame("after");
  for (size_t size : {1, 2, 3}) {
    Log log(std::string(100, 'x') + bytes.substr(0, size));
    LogReader reader = log.reader();
    CHECK(read_all(reader).empty());
    log.append(bytes.substr(size));
    CHECK(read_all(reader) == Lines{"after"});
  }
}

TEST_CASE("the tail of a log begins at the last lines") {
  Log log(numbered(10));
  for (size_t lines : {1, 3, 10, 100}) {
    LogReader reader = log.reader();
    reader.seek_tail(lines);
    Lines tail = read_all(reader);
    REQUIRE(tail.size() == std::min<size_t>(lines, 10));
    CHECK(tail.back() == "line 9");
  }
}

TEST_CASE("a tail of nothing begins at the end, and what is written later is seen") {
  Log log(numbered(3));
  LogReader reader = log.reader();
  reader.seek_tail(0);
  CHECK(read_all(reader).empty());
  log.append(frame("new"));
  CHECK(read_all(reader) == Lines{"new"});
}

TEST_CASE("a tail of an empty or damaged log is what there is") {
  Log empty("");
  LogReader reader = empty.reader();
  reader.seek_tail(5);
  CHECK(read_all(reader).empty());
  empty.append(frame("new"));
  CHECK(read_all(reader) == Lines{"new"});

  Log damaged(numbered(2) + std::string(2 << 20, '\0') + frame("last") + frame("torn").substr(0, 20));
  LogReader second = damaged.reader();
  second.seek_tail(2);
  CHECK(read_all(second) == Lines{"line 1", "last"});
}

TEST_CASE("a tail counts lines, not their parts") {
  Log log(frame("first") + frame("a", kLogPartial) + frame("b", kLogPartial) + frame("c") + frame("last"));
  LogReader reader = log.reader();
  reader.seek_tail(2);
  CHECK(read_all(reader) == Lines{"a…", "b…", "c", "last"});
}

TEST_CASE("the last lines for an error message are whole and cannot act on a terminal") {
  Log log(frame("first") + frame("a", kLogPartial) + frame("b") + frame("\033[2Jred"));
  CHECK(last_lines(log.path, 2) == Lines{"ab", "\\x1b[2Jred"});
}

TEST_CASE("the files of a log are read in their order, the oldest that is left first") {
  Log log(frame("one"));
  log.append(frame("two"), 1);
  LogReader reader = log.reader();
  CHECK(read_all(reader) == Lines{"one", "two"});
  log.append(frame("ten"), 10);
  log.append(frame("nine"), 9);
  std::ofstream(log.path + ".tmp") << frame("nothing of ours");
  std::filesystem::remove(log.path);
  std::filesystem::remove(log.path + ".1");
  LogReader second = log.reader();
  CHECK(read_all(second) == Lines{"nine", "ten"});
  CHECK(LogReader::newest(log.dir.path()) == 10);
  // What lay between has been removed by rotation: something is missing.
  CHECK(read_all(reader) == Lines{"-0", "nine", "ten"});
}

TEST_CASE("a reader at the end of a file goes on in the next one when there is one") {
  Log log(frame("one"));
  LogReader reader = log.reader();
  CHECK(read_all(reader) == Lines{"one"});
  log.append(frame("two") + frame("torn").substr(0, 26));
  log.append("", 1);
  CHECK(read_all(reader) == Lines{"two"});
  log.append(frame("three"), 1);
  CHECK(read_all(reader) == Lines{"three"});
  std::filesystem::remove(log.path);
  log.append(frame("four"), 2);
  CHECK(read_all(reader) == Lines{"four"});
}

TEST_CASE("a reader that rotation has overtaken says that something is missing and goes on") {
  Log log(frame("one"));
  LogReader reader = log.reader();
  log.append(frame("seven"), 7);
  std::filesystem::remove(log.path);
  CHECK(read_all(reader) == Lines{"one", "-0", "seven"});
}

TEST_CASE("the tail of a log may begin in an older file, even in the middle of a line") {
  Log log(numbered(5) + frame("open", kLogPartial));
  log.append(frame(" closed") + frame("last"), 1);
  for (size_t lines : {1, 2, 3, 7, 100}) {
    LogReader reader = log.reader();
    reader.seek_tail(lines);
    Lines tail = read_all(reader);
    INFO(lines);
    REQUIRE(tail.size() == std::min<size_t>(lines, 7) + (lines > 1 ? 1 : 0));
    CHECK(tail.back() == "last");
    if (lines == 2) CHECK(tail.front() == "open…");
  }
}

TEST_CASE("the end of a stream is told, and no line of its own") {
  Log log(frame("open", kLogPartial) + frame("", kLogEnd) + frame("next"));
  LogReader reader = log.reader();
  CHECK(read_all(reader) == Lines{"open…", "$", "next"});
  CHECK(last_lines(log.path, 5) == Lines{"open", "next"});
}

TEST_CASE("lines that are being lost are told when it is known how many") {
  Log log(frame("one") + gap(3, ENOSPC));
  LogReader reader = log.reader();
  CHECK(read_all(reader) == Lines{"one"});
  REQUIRE(reader.open_gap());
  CHECK(reader.open_gap()->lost == 3);
  CHECK(reader.open_gap()->error == ENOSPC);
  // The record grows in its place.
  std::ofstream(log.path, std::ios::binary) << frame("one") + gap(5, ENOSPC);
  CHECK(read_all(reader).empty());
  CHECK(reader.open_gap()->lost == 5);
  log.append(frame("two"));
  CHECK(read_all(reader) == Lines{"-5", "two"});
  CHECK_FALSE(reader.open_gap());
}

TEST_CASE("a torn frame that is cut off and written over is read as what it became") {
  Log log(frame("one") + frame("a long line that did not fit").substr(0, 40));
  LogReader reader = log.reader();
  CHECK(read_all(reader) == Lines{"one"});
  std::ofstream(log.path, std::ios::binary) << frame("one") + gap(1, ENOSPC) + frame("two");
  CHECK(read_all(reader) == Lines{"-1", "two"});
}
