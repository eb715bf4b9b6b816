#include <catch2/catch.hpp>

#include "tests/engine/up.h"
#include "tests/engine/values.h"

using namespace berth;
using namespace berth::engine;
using namespace berth::test;

// depends_on.X.restart: who is restarted with a dependency.

TEST_CASE("what asks for it stops before a dependency is made anew and starts behind it, but is not made anew") {
  Stack stack =
      stack_of({service("db"), publishing(restarting(depending(service("web"), "db", "service_healthy")), 8080),
                depending(service("other"), "db")});
  Observed observed =
      observed_of({outdated(running(stack.services[0])), running(stack.services[1]), running(stack.services[2])});
  CHECK(up(stack, observed) ==
        "recreate container shop-db-1 (configuration changed)\n"
        "stop container shop-web-1 after recreate shop-db-1 (db is made anew)\n"
        "reserve ports container shop-web-1 after stop shop-web-1 (published ports)\n"
        "stop container shop-db-1 after recreate shop-db-1, stop shop-web-1, reserve ports shop-web-1 (is replaced)\n"
        "rename container shop-db-1 after recreate shop-db-1, stop shop-db-1 (takes the place of the old one)\n"
        "start container shop-db-1 after recreate shop-db-1, reserve ports shop-web-1, rename shop-db-1 (not running)\n"
        "wait until healthy container shop-db-1 after start shop-db-1 (web depends on it)\n"
        "start container shop-web-1 after recreate shop-db-1, stop shop-web-1, reserve ports shop-web-1, "
        "start shop-db-1, wait until healthy shop-db-1 (db is made anew)\n"
        "remove container shop-db-1 after stop shop-db-1, rename shop-db-1, start shop-db-1, start shop-web-1 "
        "(is replaced)\n");
  UpOptions options;
  options.no_start = true;
  CHECK(steps_of(plan_up(stack, observed, options), "Stop", "shop-web-1").empty());
  options = {};
  options.no_recreate = true;
  CHECK(up(stack, observed, options) == "");
}

TEST_CASE("a dependent that is made anew as well is stopped first, and one that does not run is only started") {
  Stack stack = stack_of({service("db"), restarting(depending(service("api"), "db")),
                          restarting(depending(service("web"), "api")), restarting(depending(service("cron"), "db"))});
  Observed observed = observed_of({outdated(running(stack.services[0])), outdated(running(stack.services[1])),
                                   running(stack.services[2]), exited(running(stack.services[3]))});
  Plan plan = plan_up(stack, observed, {});
  INFO(to_text(plan));
  CHECK(comes_after(plan, steps_of(plan, "Stop", "shop-db-1").at(0), steps_of(plan, "Stop", "shop-api-1").at(0)));
  CHECK(comes_after(plan, steps_of(plan, "Stop", "shop-api-1").at(0), steps_of(plan, "Stop", "shop-web-1").at(0)));
  CHECK(comes_after(plan, steps_of(plan, "Start", "shop-web-1").at(0), steps_of(plan, "Start", "shop-api-1").at(0)));
  CHECK(comes_after(plan, steps_of(plan, "Start", "shop-cron-1").at(0), steps_of(plan, "Start", "shop-db-1").at(0)));
  CHECK(steps_of(plan, "Recreate", "shop-web-1").empty());
  CHECK(steps_of(plan, "Stop", "shop-cron-1").empty());
}

TEST_CASE("restart reaches those that ask to be restarted with a dependency, over several steps, and no others") {
  Observed observed =
      observed_of({running(service("db")), running(restarting(depending(service("api"), "db", "service_healthy"))),
                   running(restarting(depending(publishing(service("web"), 8080), "api"))),
                   running(depending(service("other"), "db"))});
  CHECK(to_text(plan_restart({"shop", {"db"}, false}, observed, std::nullopt)) ==
        "stop container shop-web-1 (restart)\n"
        "stop container shop-api-1 after stop shop-web-1 (restart)\n"
        "stop container shop-db-1 after stop shop-api-1 (restart)\n"
        "start container shop-db-1 after stop shop-db-1 (not running)\n"
        "wait until healthy container shop-db-1 after start shop-db-1 (api depends on it)\n"
        "start container shop-api-1 after stop shop-api-1, start shop-db-1, wait until healthy shop-db-1 "
        "(not running)\n"
        "reserve ports container shop-web-1 after stop shop-web-1, start shop-api-1 (published ports)\n"
        "start container shop-web-1 after reserve ports shop-web-1 (not running)\n");
  CHECK(to_text(plan_restart({"shop", {"db"}, false}, observed, std::nullopt, false)) ==
        "stop container shop-db-1 (restart)\n"
        "start container shop-db-1 after stop shop-db-1 (not running)\n");
  CHECK(plan_restart({"shop", {"web"}, false}, observed, std::nullopt).steps.size() == 3);
}
