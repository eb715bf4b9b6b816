#include "dockerfile/expand.h"

#include <catch2/catch.hpp>
#include <map>

using namespace berth;
using namespace berth::dockerfile;

namespace {

const std::map<std::string, std::string, std::less<>> kVariables = {
    {"name", "value"}, {"empty", ""}, {"path", "/usr/local/lib/x.tar.gz"}, {"two", "a b"}};

std::optional<std::string> lookup(std::string_view name) {
  auto found = kVariables.find(name);
  return found == kVariables.end() ? std::nullopt : std::optional(found->second);
}

std::string expanded(const std::string& text, char escape = '\\') {
  Diagnostics diagnostics;
  std::string result = expand({text, {}}, {lookup, escape, diagnostics});
  return diagnostics.has_errors() ? "error: " + diagnostics.all().front().message : result;
}

}  // namespace

TEST_CASE("variables, quotes and escapes of a Dockerfile") {
  const std::pair<const char*, const char*> kCases[] = {
      {"plain", "plain"},
      {"$name", "value"},
      {"${name}", "value"},
      {"a${name}b", "avalueb"},
      {"$name.x", "value.x"},
      {"$unset", ""},
      {"'$name'", "$name"},
      {"\"$name\"", "value"},
      {"\\$name", "$name"},
      {"\"\\$name\"", "$name"},
      {"\"a\\nb\"", "a\\nb"},
      {"a\\nb", "anb"},
      {"$", "$"},
      {"a b", "a b"},
      {"${unset:-other}", "other"},
      {"${unset-other}", "other"},
      {"${empty:-other}", "other"},
      {"${empty-other}", ""},
      {"${name:+other}", "other"},
      {"${unset:+other}", ""},
      {"${empty+other}", "other"},
      {"${empty:+other}", ""},
      {"${unset:-${unset:-$name}}", "value"},
      {"${unset:-\"a}b\"}", "a}b"},
      {"${path#*/}", "usr/local/lib/x.tar.gz"},
      {"${path##*/}", "x.tar.gz"},
      {"${path%.*}", "/usr/local/lib/x.tar"},
      {"${path%%.*}", "/usr/local/lib/x"},
      {"${path/l/L}", "/usr/Local/lib/x.tar.gz"},
      {"${path//l/L}", "/usr/LocaL/Lib/x.tar.gz"},
      {"${path//\\//:}", ":usr:local:lib:x.tar.gz"},
      {"${name?must be there}", "value"},
  };
  for (const auto& [text, result] : kCases) {
    INFO(text);
    CHECK(expanded(text) == result);
  }
  CHECK(expanded("`$name", '`') == "$name");
}

TEST_CASE("what is no variable is a mistake") {
  const std::pair<const char*, const char*> kCases[] = {
      {"${unset:?not here}", "error: unset: not here"},
      {"${empty:?}", "error: the variable \"empty\" must be set"},
      {"${name", "error: \"${name\" has no \"}\""},
      {"${}", "error: \"${\" without a name"},
      {"${name:x}", "error: \"${name:x\": expected one of - + ? behind the colon"},
      {"'open", "error: a single quote has no end"},
      {"\"open", "error: a double quote has no end"},
  };
  for (const auto& [text, result] : kCases) {
    INFO(text);
    CHECK(expanded(text) == result);
  }
}

TEST_CASE("blanks from a variable end words, unless they are quoted") {
  Diagnostics diagnostics;
  Expansion how{lookup, '\\', diagnostics};
  CHECK(expand_words({"x $two", {}}, how) == std::vector<std::string>{"x", "a", "b"});
  CHECK(expand_words({"\"$two\"", {}}, how) == std::vector<std::string>{"a b"});
  CHECK(variables_in({"$a ${b:-$c} '$d' $a", {}}, '\\') == std::vector<std::string>{"a", "b", "c"});
}

TEST_CASE("no nesting and no pattern takes long") {
  std::string deep;
  for (int i = 0; i < 5000; ++i) deep += "${a:-";
  CHECK(expanded(deep).starts_with("error: variables are nested too deeply"));
  CHECK(expanded("${path%%*a*a*a*a*a*a*a*a*a*b}") == "/usr/local/lib/x.tar.gz");
}

TEST_CASE("in a file's content quotes are characters like others") {
  Diagnostics diagnostics;
  auto content = [&](const std::string& text) { return expand({text, {}}, {lookup, '\\', diagnostics, true}); };
  CHECK(content("it's \"$name\" and '${empty:-\"none\"}'") == "it's \"value\" and '\"none\"'");
  CHECK(content("\\$name \\\\ \\x") == "$name \\ x");
  CHECK_FALSE(diagnostics.has_errors());
}
