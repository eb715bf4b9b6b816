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

TEST_CASE("a place that was come to in a roundabout way tells the way, innermost step first") {
  auto file = source_file("base.yaml");
  auto included = source_by_way_of(file, "included here", {source_file("compose.yaml"), 1, 11, 0});
  auto aliased = source_by_way_of(included, "used here by the alias \"*a\"", {included, 7, 3, 0});
  Diagnostics diags;
  diags.error({aliased, 2, 5, 0}, "wrong");
  CHECK(diags.render() ==
        "base.yaml:2:5: error: wrong\n"
        "base.yaml:7:3: note: used here by the alias \"*a\"\n"
        "compose.yaml:1:11: note: included here\n");
}

TEST_CASE("a place that is come to in several ways is reported once, and its notes with it") {
  auto file = source_file("base.yaml");
  Diagnostics diags;
  for (int line : {1, 2, 3}) {
    diags.error({source_by_way_of(file, "extended here", {file, line, 1, 0}), 9, 1, 0}, "wrong");
    diags.note({file, 10, 1, 0}, "compare");
  }
  CHECK(diags.error_count() == 1);
  CHECK(diags.all().size() == 3);
  auto included = source_by_way_of(file, "included here", {file, 1, 1, 0});
  diags.error({included, 20, 1, 0}, "services.a.x: one mistake");
  diags.error({included, 20, 1, 0}, "services.a.x: another at the same place");
  CHECK(diags.error_count() == 3);
}

TEST_CASE("what is not supported is a warning for those who only look") {
  Diagnostics strict, tolerant;
  tolerant.tolerate_unsupported();
  strict.unsupported({}, "not here");
  tolerant.unsupported({}, "not here");
  CHECK(strict.has_errors());
  CHECK_FALSE(tolerant.has_errors());
  CHECK(tolerant.render() == "warning: not here\n");
}
