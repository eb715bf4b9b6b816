#include <catch2/catch.hpp>

#include "compose/bytes.h"
#include "compose/duration.h"
#include "compose/port.h"
#include "compose/scalar.h"
#include "compose/shell_words.h"
#include "compose/volume.h"

using namespace berth;
using namespace berth::compose;

TEST_CASE("sizes count by 1024 whatever their unit is called") {
  struct Row {
    const char* text;
    std::optional<int64_t> bytes;
  };
  Row row = GENERATE(values<Row>({
      {"0", 0},
      {"1024", 1024},
      {"1k", 1024},
      {"1kb", 1024},
      {"1KiB", 1024},
      {"1.5g", 1610612736},
      {"64m", 67108864},
      {"2 mb", 2097152},
      {"10b", 10},
      {"1t", 1099511627776},
      {"-1", -1},
      {"9223372036854775807", INT64_MAX},
      {"-2", std::nullopt},
      {"", std::nullopt},
      {"m", std::nullopt},
      {"12q", std::nullopt},
      {"1.2.3m", std::nullopt},
      {"1  m", std::nullopt},
      {"9223372036854775808", std::nullopt},
      {"99999999p", std::nullopt},
      {"1kib2", std::nullopt},
      {"-1m", std::nullopt},
  }));
  INFO(row.text);
  CHECK(parse_bytes(row.text) == row.bytes);
}

TEST_CASE("durations need a unit for each number") {
  using namespace std::chrono_literals;
  struct Row {
    const char* text;
    std::optional<Duration> duration;
  };
  Row row = GENERATE(values<Row>({
      {"0", 0s},
      {"30s", 30s},
      {"1m30s", 90s},
      {"1.5s", 1500ms},
      {"500ms", 500ms},
      {"2h", 2h},
      {"1d", 24h},
      {"1w", 168h},
      {"6ms7us8ns", 6007008ns},
      {"30", std::nullopt},
      {"", std::nullopt},
      {"s", std::nullopt},
      {"1 s", std::nullopt},
      {"-1s", std::nullopt},
      {"1x", std::nullopt},
      {"1..5s", std::nullopt},
      {"99999999999w", std::nullopt},
  }));
  INFO(row.text);
  CHECK(parse_duration(row.text) == row.duration);
}

namespace {
std::string show(const Result<std::vector<Port>>& ports) {
  if (!ports.ok()) return "error: " + ports.error().message();
  std::string text;
  for (const Port& port : *ports) {
    text += (text.empty() ? "" : " ") + port.host_ip + "|" + port.published + "|" + std::to_string(port.target) + "/" +
            port.protocol;
  }
  return text;
}
}  // namespace

TEST_CASE("ports are split from the right") {
  struct Row {
    const char* text;
    const char* shown;
  };
  Row row = GENERATE(values<Row>({
      {"80", "||80/tcp"},
      {"8080:80", "|8080|80/tcp"},
      {"8080:80/UDP", "|8080|80/udp"},
      {"127.0.0.1:8080:80", "127.0.0.1|8080|80/tcp"},
      {"127.0.0.1::80", "127.0.0.1||80/tcp"},
      {"::1:6000:6000", "::1|6000|6000/tcp"},
      {"[::1]:80:80", "::1|80|80/tcp"},
      {":2283:2283", "|2283|2283/tcp"},
      {"80-81", "||80/tcp ||81/tcp"},
      {"8000-8001:80-81", "|8000|80/tcp |8001|81/tcp"},
      {"8000-8010:80", "|8000-8010|80/tcp"},
      {"0:80", "|0|80/tcp"},
      {"", "error: no container port"},
      {"80:", "error: no container port"},
      {"80:0", "error: invalid container port \"0\""},
      {"80:65536", "error: invalid container port \"65536\""},
      {"65536:80", "error: invalid host port \"65536\""},
      {"a:80", "error: invalid host port \"a\""},
      {"80-79", "error: invalid container port \"80-79\""},
      {"8000-8002:80-81", "error: 3 host ports for 2 container ports"},
      {"80/icmp", "error: unknown protocol \"icmp\""},
      {"300.0.0.1:80:80", "error: \"300.0.0.1\" is not an IP address"},
  }));
  INFO(row.text);
  CHECK(show(parse_port(row.text)) == row.shown);
}

namespace {
std::string show_mount(const char* text) {
  std::vector<std::string> unknown;
  Result<Mount> mount = parse_mount(text, unknown);
  if (!mount.ok()) return "error: " + mount.error().message();
  std::string shown = std::string(mount_type_name(mount->type)) + "|" + mount->source + "|" + mount->target;
  if (mount->read_only) shown += "|ro";
  if (mount->bind && mount->bind->propagation) shown += "|" + *mount->bind->propagation;
  if (mount->volume && mount->volume->nocopy) shown += "|nocopy";
  for (const std::string& option : unknown) shown += "|?" + option;
  return shown;
}
}  // namespace

TEST_CASE("a volume whose source looks like a path is a bind mount") {
  struct Row {
    const char* text;
    const char* shown;
  };
  Row row = GENERATE(values<Row>({
      {"/data", "volume||/data"},
      {"data:/data/../x/", "volume|data|/x"},
      {"./a:/a", "bind|./a|/a"},
      {"../a:/a:ro", "bind|../a|/a|ro"},
      {"~/a:/a:ro,rshared", "bind|~/a|/a|ro|rshared"},
      {"/:/host:z", "bind|/|/host"},
      {"d:/d:nocopy", "volume|d|/d|nocopy"},
      {"d:/d:wat", "volume|d|/d|?wat"},
      {"d:/d:ro:x", "error: too many colons"},
      {"d::ro", "error: an empty field between colons"},
      {"", "error: an empty volume"},
      {"a:b", "error: the target \"b\" is not an absolute path"},
  }));
  INFO(row.text);
  CHECK(show_mount(row.text) == row.shown);
}

TEST_CASE("a command line is split as a shell does, and cut where a shell would go on") {
  struct Row {
    const char* text;
    std::vector<std::string> words;
    size_t cut;
  };
  constexpr size_t kWhole = std::string_view::npos;
  Row row = GENERATE_COPY(values<Row>({
      {"", {}, kWhole},
      {"echo a  b", {"echo", "a", "b"}, kWhole},
      {R"(sh -c 'a "b" $c')", {"sh", "-c", "a \"b\" $c"}, kWhole},
      {R"(a "b \" c" d\ e)", {"a", "b \" c", "d e"}, kWhole},
      {R"(a "" b)", {"a", "", "b"}, kWhole},
      {"echo a && echo b", {"echo", "a"}, 7},
      {"a|b", {"a"}, 1},
      {"a; b", {"a"}, 1},
      {"run 2>err", {"run"}, 4},
      {"a 'b;c'", {"a", "b;c"}, kWhole},
  }));
  INFO(row.text);
  Result<ShellWords> words = split_shell_words(row.text);
  REQUIRE(words.ok());
  CHECK(words->words == row.words);
  CHECK(words->cut_at == row.cut);
}

TEST_CASE("a command line with an open quote or a parenthesis is refused") {
  CHECK_FALSE(split_shell_words("echo 'a").ok());
  CHECK_FALSE(split_shell_words("echo \"a").ok());
  CHECK_FALSE(split_shell_words("echo (a)").ok());
  CHECK_FALSE(split_shell_words("echo a\\").ok());
}

TEST_CASE("unquoted scalars have the kinds that go-yaml gives them") {
  using Kind = Tree::Kind;
  struct Row {
    const char* text;
    Kind kind;
    const char* value;
  };
  Row row = GENERATE(values<Row>({
      {"~", Kind::null, ""},
      {"true", Kind::boolean, "true"},
      {"False", Kind::boolean, "false"},
      {"yes", Kind::string, "yes"},
      {"on", Kind::string, "on"},
      {"012", Kind::integer, "10"},
      {"0o17", Kind::integer, "15"},
      {"0x1F", Kind::integer, "31"},
      {"0b11", Kind::integer, "3"},
      {"1_000", Kind::integer, "1000"},
      {"-5", Kind::integer, "-5"},
      {"22:22", Kind::string, "22:22"},
      {"1.10", Kind::real, "1.1"},
      {"1.0", Kind::real, "1"},
      {"1e3", Kind::real, "1000"},
      {".5", Kind::real, "0.5"},
      {"1.2.3", Kind::string, "1.2.3"},
      {"089", Kind::real, "89"},
      {".inf", Kind::real, "+Inf"},
      {"-", Kind::string, "-"},
      {"2024-01-31", Kind::string, "2024-01-31 00:00:00 +0000 UTC"},
  }));
  INFO(row.text);
  Tree tree;
  resolve_plain(tree, row.text);
  CHECK(tree.kind == row.kind);
  CHECK(tree.text == row.value);
}
