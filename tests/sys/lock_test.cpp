#include "sys/lock.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "tests/support/temp_dir.h"

using namespace berth;
using berth::test::TempDir;

TEST_CASE("one place of a lock file is for one at a time, and the others are free") {
  TempDir dir;
  std::string path = dir / "places";
  auto first = std::make_unique<sys::PlaceLock>(sys::PlaceLock::acquire(path, 1 << 10).value());
  bool waited = false;
  CHECK(sys::PlaceLock::acquire(path, 2 << 10, [&] { waited = true; }).ok());
  CHECK_FALSE(waited);
  std::atomic<bool> waiting = false, released = false;
  std::thread second([&] {
    sys::PlaceLock mine = sys::PlaceLock::acquire(path, 1 << 10, [&] { waiting = true; }).value();
    CHECK(released);
  });
  while (!waiting) std::this_thread::yield();
  released = true;
  first.reset();
  second.join();
}
