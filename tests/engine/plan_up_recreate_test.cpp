#include <catch2/catch.hpp>

#include "tests/engine/up.h"
#include "tests/engine/values.h"

using namespace berth;
using namespace berth::engine;
using namespace berth::test;

TEST_CASE("a container is made anew when its image is another one by now, where the image is known") {
  Stack stack = stack_of({service("web")});
  Observed observed = observed_of({running(stack.services[0])});
  observed.containers[0].record.image_id = "sha256:old";
  CHECK(up(stack, observed) == "");
  stack.services[0].image_id = "sha256:old";
  CHECK(up(stack, observed) == "");
  stack.services[0].image_id = "sha256:new";
  CHECK(up(stack, observed).starts_with("create container shop-web-1 (its image is another one now)\n"));
  UpOptions keep;
  keep.no_recreate = true;
  CHECK(up(stack, observed, keep) == "");
}

TEST_CASE("--force-recreate replaces what is as wanted, --no-recreate keeps what is not") {
  Stack stack = stack_of({service("web")});
  UpOptions force;
  force.force_recreate = true;
  CHECK(up(stack, observed_of({running(stack.services[0])}), force) ==
        "create container shop-web-1 (recreation asked for)\n"
        "stop container shop-web-1 after create shop-web-1 (is replaced)\n"
        "start container shop-web-1 after create shop-web-1, stop shop-web-1 (not running)\n"
        "remove container shop-web-1 after stop shop-web-1, start shop-web-1 (is replaced)\n");
  UpOptions keep;
  keep.no_recreate = true;
  CHECK(up(stack, observed_of({outdated(running(stack.services[0]))}), keep) == "");
}
