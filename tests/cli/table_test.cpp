#include "cli/table.h"

#include <catch2/catch.hpp>

using namespace berth::cli;

TEST_CASE("text is as wide as it looks, not as it is long") {
  CHECK(display_width("") == 0);
  CHECK(display_width("web") == 3);
  CHECK(display_width("gr\u00fc\u00dfe") == 5);
  CHECK(display_width("\u4f60\u597d") == 4);
  CHECK(display_width("e\u0301") == 1);  // a combining accent
  CHECK(display_width("\xff\xfe") == 2);
  CHECK(display_width("a\xe4\xbd") == 3);  // cut in the middle of a character
  CHECK(display_width("\xe4\xbd"
                      "a") == 3);
}

TEST_CASE("columns are as wide as their widest cell and three spaces") {
  CHECK(render_table({"NAME", "PORTS"}, {{"web", "80"}, {"database", ""}}) ==
        "NAME       PORTS\n"
        "web        80\n"
        "database\n");
  CHECK(render_table({"NAME", "X"}, {}) == "NAME   X\n");
}

TEST_CASE("wide characters keep columns straight") {
  CHECK(render_table({"N", "X"}, {{"\u4f60\u597d", "1"}, {"ab", "2"}}) ==
        "N      X\n"
        "\u4f60\u597d   1\n"
        "ab     2\n");
}

TEST_CASE("cells cannot act on the terminal or break the line") {
  CHECK(render_table({"N", "X"}, {{"a\nb\033[2J", "1"}}) ==
        "N               X\n"
        "a\\x0ab\\x1b[2J   1\n");
}
