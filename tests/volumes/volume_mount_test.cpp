#include "volumes/volume_mount.h"

#include <catch2/catch.hpp>

using namespace berth::volumes;

TEST_CASE("options of the local driver are type, device and o, the first two together") {
  CHECK(check_driver_options({}));
  CHECK(check_driver_options({{"type", "none"}, {"device", "/x"}, {"o", "bind"}}));
  CHECK(check_driver_options({{"type", "tmpfs"}, {"device", "tmpfs"}}));
  CHECK(check_driver_options({{"size", "1g"}}).error().message().find("\"size\"") != std::string::npos);
  CHECK(check_driver_options({{"type", "nfs"}}).error().message().find("\"device\"") != std::string::npos);
  CHECK(check_driver_options({{"device", "/x"}}).error().message().find("\"type\"") != std::string::npos);
}

TEST_CASE("what is no mount point needs no unmounting") {
  CHECK_FALSE(is_mounted("/proc/self"));
  CHECK(is_mounted("/proc"));
  CHECK(unmount_volume("/does/not/exist"));
}
