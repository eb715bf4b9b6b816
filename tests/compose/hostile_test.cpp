#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "compose/load.h"
#include "compose/parse.h"

using namespace berth;
using namespace berth::compose;

// Files that want to take all memory or time. Each ends with an error that says what is too much.

namespace {

using Files = std::map<std::string, std::string>;

std::string messages_of(const Files& texts) {
  MemoryFiles files(texts);
  Diagnostics diagnostics;
  LoadRequest request;
  request.working_directory = "/p";
  CHECK_FALSE(load(request, files, diagnostics));
  return diagnostics.render();
}

std::string messages_of(const std::string& text) {
  return messages_of(Files{{"/p/compose.yaml", text}});
}

std::string repeated(size_t count, const std::string& text) {
  std::string result;
  result.reserve(count * text.size());
  for (size_t i = 0; i < count; ++i) result += text;
  return result;
}

/// `line(i)` for each i.
template <class Line>
std::string lines(int count, Line line) {
  std::string text;
  for (int i = 0; i < count; ++i) text += line(std::to_string(i)) + "\n";
  return text;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("10 000 levels of nesting end at the hundredth") {
  for (const std::string& text : {repeated(10000, "["), repeated(10000, "{a: "), repeated(10000, "- ")}) {
    CHECK(has(messages_of(text), "nested more than 100 levels deep"));
  }
  std::string block;
  for (size_t i = 0; i < 1000; ++i) block += std::string(i, ' ') + "a:\n";
  CHECK(has(messages_of(block), "nested more than 100 levels deep"));
  std::string half = repeated(90, "[") + repeated(90, "]");
  CHECK(has(messages_of("a: &a " + half + "\nb: " + repeated(90, "[") + "*a" + repeated(90, "]")), "nested more than"));
}

TEST_CASE("aliases cannot multiply without end") {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    std::string name = std::to_string(i), before = "*a" + std::to_string(i - 1);
    bomb += "a" + name + ": &a" + name + " [" + repeated(8, before + ", ") + before + "]\n";
  }
  CHECK(has(messages_of(bomb), "expand to too much"));
  std::string merges = "m0: &m0 {k: v}\n";
  for (int i = 1; i < 40; ++i) {
    std::string before = "*m" + std::to_string(i - 1), name = "m" + std::to_string(i);
    merges += name + ": &" + name + " {a: " + before + ", b: " + before + ", <<: " + before + "}\n";
  }
  CHECK(has(messages_of(merges), "expand to too much"));
}

TEST_CASE("a file of 100 MB is refused after its first 16") {
  std::string path = std::filesystem::temp_directory_path() / ("berth-large-" + std::to_string(std::rand()));
  std::FILE* file = std::fopen(path.c_str(), "w");
  REQUIRE(file != nullptr);
  std::fclose(file);
  std::filesystem::resize_file(path, 100U << 20U);
  DiskFiles files;
  Diagnostics diagnostics;
  LoadRequest request;
  request.working_directory = "/";
  request.files = {path};
  CHECK_FALSE(load(request, files, diagnostics));
  std::filesystem::remove(path);
  CHECK(has(diagnostics.render(), "EFBIG"));
}

TEST_CASE("what is no UTF-8 or no text is refused with its place") {
  CHECK(has(messages_of("services:\n  a: \"\xC3\x28\"\n"), "compose.yaml:2:7: error: the byte 0xc3 is not allowed"));
  CHECK(has(messages_of("a: \xED\xA0\x80"), "the byte 0xed"));
  CHECK(has(messages_of(std::string("a: b\0c", 6)), "the byte 0x00"));
  CHECK(has(messages_of("\xEF\xBB\xBFservices: {a: {imag: x}}"), "compose.yaml:1:16: error: services.a: unknown key"));
}

TEST_CASE("files that include each other, or the same file again and again, come to an end") {
  CHECK(has(messages_of("include: [compose.yaml]"), "files include each other: compose.yaml -> compose.yaml"));
  Files files;
  for (int i = 0; i < 40; ++i) {
    std::string next = "n" + std::to_string(i + 1) + ".yaml";
    files[i == 0 ? "/p/compose.yaml" : "/p/n" + std::to_string(i) + ".yaml"] =
        "include: [" + next + ", " + next + "]\nservices: {}\n";
  }
  files["/p/n40.yaml"] = "services: {}";
  CHECK(has(messages_of(files), "more than 1000 included models"));
  Files deep;
  for (int i = 0; i < 200; ++i) {
    deep[i == 0 ? "/p/compose.yaml" : "/p/n" + std::to_string(i) + ".yaml"] =
        "include: [n" + std::to_string(i + 1) + ".yaml]\nservices: {}\n";
  }
  CHECK(has(messages_of(deep), "included more than 100 levels deep"));
}

TEST_CASE("bases are not copied without end") {
  std::string labels = lines(2000, [](const std::string& i) { return "      l" + i + ": x"; });
  std::string text = "services:\n  base:\n    image: x\n    labels:\n" + labels;
  text += lines(1000, [](const std::string& i) { return "  s" + i + ": {extends: base}"; });
  CHECK(has(messages_of(text), "extended services add up to more than"));
  std::string chain = "services:\n  s0: {image: x}\n";
  for (int i = 300; i > 0; --i) {
    chain += "  s" + std::to_string(i) + ": {extends: s" + std::to_string(i - 1) + "}\n";
  }
  CHECK(has(messages_of(chain), "extend each other over more than 100 steps"));
}

TEST_CASE("short forms, services and documents have limits") {
  std::string ports = "services:\n  a:\n    image: x\n    ports:\n";
  ports += lines(50, [](const std::string& i) { return "      - 127.0.0." + i + ":1-65535:1-65535"; });
  CHECK(has(messages_of(ports), "stand for more than 200000 entries"));
  std::string services = "services:\n" + lines(20001, [](const std::string& i) { return "  s" + i + ": {image: x}"; });
  CHECK(has(messages_of(services), "more than 20000 services"));
  CHECK(has(messages_of(repeated(300, "services: {a: {image: x}}\n---\n")), "more than 200 documents"));
  CHECK(has(messages_of("a: [" + repeated(600'000, "1,") + "1]"), "more than 500000 values"));
}

TEST_CASE("variables cannot nest or grow without end") {
  std::string nested = repeated(5000, "${A:-") + repeated(5000, "}");
  CHECK(has(messages_of("services: {a: {image: \"" + nested + "\"}}"), "nested too deeply"));
  Files grow = {{"/p/compose.yaml", "services: {a: {image: \"" + repeated(300, "$A") + "\"}}"},
                {"/p/.env", "A=" + std::string(10000, 'x')}};
  CHECK(has(messages_of(grow), "longer than 1 MiB"));
}

TEST_CASE("a long cycle is found without recursion and its message stays short") {
  std::string text = "services:\n  s0: {image: x, depends_on: [s9999]}\n";
  for (int i = 1; i < 10000; ++i) {
    text += "  s" + std::to_string(i) + ": {image: x, depends_on: [s" + std::to_string(i - 1) + "]}\n";
  }
  std::string messages = messages_of(text);
  CHECK(has(messages, "services wait for each other: s0 -> s9999"));
  CHECK(messages.size() < 200'000);
}
