#include "cli/timestamp.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <ctime>

#include "base/clock.h"

using namespace berth;
using namespace berth::cli;

TEST_CASE("times of image configs are read with their fraction and zone") {
  CHECK(parse_rfc3339(format_rfc3339(1'700'000'000'123'456'789)) == 1'700'000'000'123'456'789);
  CHECK(parse_rfc3339("2023-11-14T22:13:20Z") == 1'700'000'000'000'000'000);
  CHECK(parse_rfc3339("2023-11-14T23:13:20.5+01:00") == 1'700'000'000'500'000'000);
  for (const char* wrong : {"", "yesterday", "2023-11-14", "2023-11-14T22:13:20", "2023-11-14T22:13:20Zx"}) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_rfc3339(wrong).has_value());
  }
}

TEST_CASE("a moment is a time, a date, seconds, or a duration back from now") {
  constexpr int64_t kNow = 1'700'000'000'000'000'000;
  setenv("TZ", "UTC", 1);
  tzset();
  CHECK(parse_moment("24h", kNow) == kNow - int64_t{24} * 3600 * 1'000'000'000);
  CHECK(parse_moment("1700000000", kNow) == kNow);
  CHECK(parse_moment("1700000000.5", kNow) == kNow + 500'000'000);
  CHECK(parse_moment("2023-11-14T22:13:20", kNow) == kNow);
  CHECK(parse_moment("2023-11-14", kNow) == int64_t{1'699'920'000} * 1'000'000'000);
  CHECK_FALSE(parse_moment("soon", kNow).has_value());
  CHECK(time_ago("2023-11-14T22:13:20Z", kNow + int64_t{3600} * 1'000'000'000) == "About an hour ago");
  CHECK(time_ago("", kNow) == "N/A");
}
