#include "cli/graph/picture_text.h"

#include <catch2/catch.hpp>

using namespace berth::cli::graph;

TEST_CASE("text in a picture is UTF-8 without anything that acts") {
  CHECK(clean("web") == "web");
  CHECK(clean("gr\u00fc\u00dfe \u4f60\u597d \U0001F6A2") == "gr\u00fc\u00dfe \u4f60\u597d \U0001F6A2");
  CHECK(clean("a\nb\x1b[31m\x7f") == "a\\x0ab\\x1b[31m\\x7f");
  CHECK(clean("a\tb") == "a b");
  CHECK(clean("\xff") == "\uFFFD");
  CHECK(clean("\xc0\xaf") == "\uFFFD\uFFFD");                // overlong
  CHECK(clean("\xed\xa0\x80") == "\uFFFD\uFFFD\uFFFD");      // half of a surrogate pair
  CHECK(clean("\xe4\xbd") == "\uFFFD\uFFFD");                // cut
  CHECK(clean("\xef\xbf\xbe") == "\uFFFD");                  // U+FFFE, which no XML may have
  CHECK(clean("user\u202egnp.exe") == "user\uFFFDgnp.exe");  // right to left
}

TEST_CASE("long text is cut where a character ends") {
  CHECK(shortened("web", 3) == "web");
  CHECK(shortened("webserver", 6) == "web...");
  CHECK(shortened("\u4f60\u597d\u4f60\u597d", 6) == "\u4f60...");
}
