#include <catch2/catch.hpp>
#include <map>

#include "compose/dotenv.h"
#include "compose/interpolate.h"

using namespace berth;
using namespace berth::compose;

namespace {

const std::map<std::string, std::string, std::less<>> kSet = {{"FOO", "first"}, {"BAR", ""}};

std::optional<std::string> look_up(std::string_view name) {
  auto found = kSet.find(name);
  return found == kSet.end() ? std::nullopt : std::optional(found->second);
}

std::string expand(std::string_view text, std::vector<std::string>& unset) {
  Result<std::string> result = interpolate(text, look_up, unset);
  return result.ok() ? *result : "error: " + result.error().message();
}

std::string read_env(std::string_view text) {
  std::vector<std::string> unset;
  DotenvError error;
  Result<Variables> variables = parse_dotenv(text, look_up, unset, &error);
  if (!variables.ok()) return "line " + std::to_string(error.line) + ": " + error.message;
  std::string shown;
  for (const auto& [name, value, line] : *variables) shown += name + "=[" + value + "]";
  return shown;
}

}  // namespace

TEST_CASE("variables are put in by the grammar of compose files") {
  struct Row {
    const char* text;
    const char* result;
  };
  Row row = GENERATE(values<Row>({
      {"${U-d}", "d"},
      {"${BAR-d}", ""},
      {"${BAR:-d}", "d"},
      {"${U+x}${BAR+x}${BAR:+x}${FOO:+x}", "xx"},
      {"${BAR?m}", ""},
      {"${U:?msg ${FOO}}", "error: required variable U is missing a value: msg first"},
      {"${U?}", "error: required variable U is missing a value"},
      {"${BAR:-/non:-alnum}", "/non:-alnum"},
      {"${U-${FOO} ${FOO}}", "first first"},
      {"${U:-${V:-deep}}", "deep"},
      {"-ok ${BAR:-x}", "-ok x"},
      {":?ok ${BAR-d}", ":?ok "},
      {"$FOO-bar", "first-bar"},
      {"$$FOO $${FOO}", "$FOO ${FOO}"},
      {"a$ $} $1 $(cmd) ^re$", "a$ $} $1 $(cmd) ^re$"},
      {"${U-:2283:2283}", ":2283:2283"},
      {"${FOO }", "error: invalid variable \"${FOO }\""},
      {"${ FOO}", "error: invalid variable \"${ FOO}\""},
      {"${}", "error: invalid variable \"${}\""},
      {"${", "error: invalid variable \"${\""},
      {"${FOO!}", "error: invalid variable \"${FOO!}\""},
      {"${FOO.x}", "error: invalid variable \"${FOO.x}\""},
      {"${FOO/a/b}", "error: invalid variable \"${FOO/a/b}\""},
  }));
  INFO(row.text);
  std::vector<std::string> unset;
  CHECK(expand(row.text, unset) == row.result);
}

TEST_CASE("a word that is not needed is not looked at") {
  std::vector<std::string> unset;
  CHECK(expand("${A:+${A},}B", unset) == "B");
  CHECK(unset.empty());
  CHECK(expand("x$A", unset) == "x");
  CHECK(unset == std::vector<std::string>{"A"});
}

TEST_CASE("defaults nested without end are refused") {
  std::string text;
  for (int i = 0; i < 10000; ++i) text += "${A-";
  text.append(10000, '}');
  std::vector<std::string> unset;
  CHECK(expand(text, unset) == "error: variables nested too deeply");
}

TEST_CASE("files of variables are read by the grammar of .env") {
  struct Row {
    const char* text;
    const char* shown;
  };
  Row row = GENERATE(values<Row>({
      {"A=1\nB=2\n", "A=[1]B=[2]"},
      {"\xEF\xBB\xBF# c\r\nexport A = x \r\nB: y", "A=[x]B=[y]"},
      {"A=a#b # c", "A=[a#b]"},
      {"A= # note", "A=[# note]"},
      {"A=\nB=1", "A=[]B=[1]"},
      {"A=1\nA=2", "A=[2]"},
      {"A='$FOO \\' x'", "A=[$FOO ' x]"},
      {"A=\"$FOO\\n\\$FOO\"", "A=[first\n$FOO]"},
      {"A=\"two\nlines\" # c\nB=1", "A=[two\nlines]B=[1]"},
      {"A=x\nB=${A}y", "A=[x]B=[xy]"},
      {"FOO=mine\nB=$FOO", "FOO=[mine]B=[first]"},
      {"FOO\nNOPE", "FOO=[first]"},
      {"A=\"\\0011 \\011 \\c\"", "A=[\t \\11 \\c]"},
      {"A=1\nB C=2", "line 2: \"B\" is followed by \"C\", a name holds no such character"},
      {"A=1\nB='x\ny", "line 2: the quote ' is not closed"},
      {"A=${", "line 1: invalid variable \"${\""},
      {"=x", "line 1: unexpected character \"=\" in a variable name"},
  }));
  INFO(row.text);
  CHECK(read_env(row.text) == row.shown);
}

TEST_CASE("raw files keep quotes and dollars") {
  Result<Variables> variables = parse_raw_env("A=\"$x\" # y\r\n# c\nFOO\nNOPE\n", look_up);
  REQUIRE(variables.ok());
  REQUIRE(variables->size() == 2);
  CHECK(variables->at(0).name == "A");
  CHECK(variables->at(0).value == "\"$x\" # y");
  CHECK(variables->at(1).name == "FOO");
  CHECK(variables->at(1).value == "first");
  CHECK(variables->at(1).line == 3);
}
