#include "cli/bring_images.h"

#include <catch2/catch.hpp>

using berth::cli::must_pull;

TEST_CASE("a pull policy says when an image is fetched") {
  constexpr int64_t kHour = 3600;
  CHECK(must_pull("missing", false, {}));
  CHECK_FALSE(must_pull("missing", true, {}));
  CHECK(must_pull("always", true, 0));
  CHECK_FALSE(must_pull("never", false, {}));
  CHECK_FALSE(must_pull("build", false, {}));
  for (const char* policy : {"daily", "weekly", "every_12h"}) {
    CHECK(must_pull(policy, false, {}));
    CHECK(must_pull(policy, true, {}));  // nobody knows how old it is
    CHECK_FALSE(must_pull(policy, true, kHour));
  }
  CHECK(must_pull("daily", true, 24 * kHour));
  CHECK_FALSE(must_pull("weekly", true, 24 * kHour));
  CHECK(must_pull("weekly", true, 7 * 24 * kHour));
  CHECK(must_pull("every_12h", true, 12 * kHour));
}
