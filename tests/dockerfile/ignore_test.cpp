#include "dockerfile/ignore.h"

#include <catch2/catch.hpp>

using namespace berth;
using namespace berth::dockerfile;

namespace {

IgnoreRules rules(const std::string& text) {
  Diagnostics diagnostics;
  IgnoreRules parsed = IgnoreRules::parse(".dockerignore", text, diagnostics);
  CHECK_FALSE(diagnostics.has_errors());
  return parsed;
}

bool matches(const std::string& pattern, const std::string& path, bool doubled = false) {
  return PathPattern::parse(pattern, doubled).value().matches(path);
}

}  // namespace

TEST_CASE("patterns of paths") {
  CHECK(matches("*.go", "main.go"));
  CHECK_FALSE(matches("*.go", "cmd/main.go"));
  CHECK(matches("*/*.go", "cmd/main.go"));
  CHECK(matches("a?c", "abc"));
  CHECK_FALSE(matches("a?c", "a/c"));
  CHECK(matches("[a-c]x", "bx"));
  CHECK_FALSE(matches("[^a-c]x", "bx"));
  CHECK(matches("\\*", "*"));
  CHECK_FALSE(matches("\\*", "a"));
  CHECK(matches("**", "a/b/c", true));
  CHECK(matches("**/c", "a/b/c", true));
  CHECK(matches("**/c", "c", true));
  CHECK_FALSE(matches("**/c", "abc", true));
  CHECK(matches("a/**/d", "a/b/c/d", true));
  CHECK(matches("a/**/d", "a/d", true));
  CHECK(matches("**/*.o", "x/y/z.o", true));
  CHECK_FALSE(PathPattern::parse("[a", false).ok());
  CHECK_FALSE(PathPattern::parse("a\\", false).ok());
}

TEST_CASE("a .dockerignore keeps out what matches, and what is below it") {
  IgnoreRules r = rules("# remark\n\nnode_modules\n/build/\n*.log\n**/*.tmp\n");
  CHECK(r.ignores("node_modules"));
  CHECK(r.ignores("node_modules/x/y.js"));
  CHECK(r.ignores("build/out"));
  CHECK(r.ignores("a.log"));
  CHECK_FALSE(r.ignores("sub/a.log"));
  CHECK(r.ignores("sub/a.tmp"));
  CHECK_FALSE(r.ignores("src/node_modules"));
  CHECK_FALSE(r.ignores("main.c"));
  CHECK_FALSE(r.may_hold_exceptions());
}

TEST_CASE("the last rule that matches decides") {
  IgnoreRules r = rules("*.md\n!README*.md\nREADME-secret.md\n");
  CHECK(r.ignores("x.md"));
  CHECK_FALSE(r.ignores("README.md"));
  CHECK(r.ignores("README-secret.md"));
  IgnoreRules all = rules("*\n!src\n");
  CHECK(all.ignores("other"));
  CHECK_FALSE(all.ignores("src/main.c"));
  CHECK(all.may_hold_exceptions());
}

TEST_CASE("a pattern that is none is told with its line") {
  Diagnostics diagnostics;
  (void)IgnoreRules::parse(".dockerignore", "a\n[b\n!\n", diagnostics);
  REQUIRE(diagnostics.error_count() == 2);
  CHECK(diagnostics.all()[0].span.str() == ".dockerignore:2:1");
}
