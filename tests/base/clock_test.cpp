#include "base/clock.h"

#include <catch2/catch.hpp>

using namespace berth;
using namespace std::chrono_literals;

TEST_CASE("durations print as Go prints them") {
  CHECK(format_duration(0s) == "0s");
  CHECK(format_duration(90s) == "1m30s");
  CHECK(format_duration(1500ms) == "1.5s");
  CHECK(format_duration(300ms) == "300ms");
  CHECK(format_duration(24h) == "24h0m0s");
  CHECK(format_duration(1us) == "1µs");
  CHECK(format_duration(-2s) == "-2s");
}

TEST_CASE("times print in RFC 3339 with nine digits") {
  CHECK(format_rfc3339(0) == "1970-01-01T00:00:00.000000000Z");
  CHECK(format_rfc3339(1'700'000'000'123'456'789) == "2023-11-14T22:13:20.123456789Z");
}
