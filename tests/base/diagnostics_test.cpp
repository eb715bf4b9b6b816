#include "base/diagnostics.h"

#include <catch2/catch.hpp>

using namespace berth;

TEST_CASE("a diagnostic quotes its line and points at its column") {
  Diagnostics diags;
  auto file = source_file("compose.yaml");
  diags.remember_source("compose.yaml", "services:\n  web:\n    depends_on:\n      databse:\n");
  diags.error({file, 4, 7, 7}, "service \"web\" depends on \"databse\", which is not defined",
              "did you mean \"database\"?");
  CHECK(diags.render() ==
        "compose.yaml:4:7: error: service \"web\" depends on \"databse\", which is not defined\n"
        "    4 |       databse:\n"
        "      |       ^~~~~~~ did you mean \"database\"?\n");
}

TEST_CASE("a diagnostic without a place still shows its suggestion") {
  Diagnostics diags;
  diags.warning({}, "no such project", "did you mean \"shop\"?");
  CHECK(diags.render() == "warning: no such project (did you mean \"shop\"?)\n");
  CHECK_FALSE(diags.has_errors());
}
