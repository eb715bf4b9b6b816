#include "base/error.h"

#include <catch2/catch.hpp>
#include <cerrno>

#include "base/result.h"

using namespace berth;

TEST_CASE("an error reads from the outermost attempt to the errno") {
  auto fails = []() -> Status { return sys_error("mount proc on /proc", EPERM); };
  Status status = fails().context("container {}", "web-1").context("start");
  CHECK(status.error().message() == "start: container web-1: mount proc on /proc: Operation not permitted (EPERM)");
}

TEST_CASE("BERTH_TRY gives the value or leaves with the error") {
  auto half = [](int n) -> Result<int> {
    if (n % 2 != 0) return make_error("odd");
    return n / 2;
  };
  auto quarter = [&](int n) -> Result<int> {
    BERTH_TRY(int once, half(n));
    BERTH_TRY(int twice, half(once));
    return twice;
  };
  CHECK(quarter(8).value() == 2);
  CHECK(quarter(6).error().message() == "odd");
}
