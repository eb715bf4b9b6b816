#include "sys/signals.h"

#include <signal.h>

#include <catch2/catch.hpp>

using namespace berth::sys;

TEST_CASE("signals are known by every spelling that compose files use") {
  CHECK(parse_signal("SIGTERM") == SIGTERM);
  CHECK(parse_signal("term") == SIGTERM);
  CHECK(parse_signal("SIGINT") == SIGINT);
  CHECK(parse_signal("9") == SIGKILL);
  CHECK(parse_signal("RTMIN+3") == SIGRTMIN + 3);
  CHECK(parse_signal("SIGRTMAX-1") == SIGRTMAX - 1);
  CHECK_FALSE(parse_signal("SIGNOPE"));
  CHECK_FALSE(parse_signal("0"));
  CHECK_FALSE(parse_signal("65"));
  CHECK_FALSE(parse_signal(""));
  CHECK_FALSE(parse_signal("RTMIN+99"));
  CHECK(signal_name(SIGKILL) == "SIGKILL");
}
