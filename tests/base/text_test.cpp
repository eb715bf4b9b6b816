#include "base/text.h"

#include <catch2/catch.hpp>

using namespace berth;

TEST_CASE("nearest finds a typo and leaves strangers alone") {
  CHECK(nearest("prots", {"image", "ports", "expose"}) == "ports");
  CHECK(nearest("databse", {"database", "web"}) == "database");
  CHECK_FALSE(nearest("x", {"y", "web"}));
  CHECK_FALSE(nearest("environment", {"ports"}));
}

TEST_CASE("printable shows control characters instead of sending them") {
  CHECK(printable("a\033[2Jb") == "a\\x1b[2Jb");
  CHECK(printable("line\r\n") == "line\\x0d\\x0a");
  CHECK(printable("\xC2\x9B") == "\\xc2\x9B");
  CHECK(printable("grüße\t!") == "grüße\t!");
}

TEST_CASE("parse_unsigned takes digits only and notices overflow") {
  CHECK(parse_unsigned("0") == 0);
  CHECK(parse_unsigned("18446744073709551615") == 18446744073709551615ULL);
  CHECK_FALSE(parse_unsigned("18446744073709551616"));
  CHECK_FALSE(parse_unsigned(""));
  CHECK_FALSE(parse_unsigned("+1"));
  CHECK_FALSE(parse_unsigned("1 "));
}
