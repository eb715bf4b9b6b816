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
  CHECK(up(stack, observed).starts_with("recreate container shop-web-1 (its image is another one now)\n"));
  UpOptions keep;
  keep.no_recreate = true;
  CHECK(up(stack, observed, keep) == "");
}

TEST_CASE("--force-recreate replaces what is as wanted, --no-recreate keeps what is not") {
  Stack stack = stack_of({service("web")});
  UpOptions force;
  force.force_recreate = true;
  CHECK(up(stack, observed_of({running(stack.services[0])}), force) ==
        "recreate container shop-web-1 (recreation asked for)\n"
        "stop container shop-web-1 after recreate shop-web-1 (is replaced)\n"
        "rename container shop-web-1 after recreate shop-web-1, stop shop-web-1 (takes the place of the old one)\n"
        "start container shop-web-1 after recreate shop-web-1, rename shop-web-1 (not running)\n"
        "remove container shop-web-1 after stop shop-web-1, rename shop-web-1, start shop-web-1 (is replaced)\n");
  UpOptions keep;
  keep.no_recreate = true;
  CHECK(up(stack, observed_of({outdated(running(stack.services[0]))}), keep) == "");
}

namespace {

/// `web` lives in the network of `db`.
Stack joined_stack() {
  ServiceConfig web = restarting(depending(service("web"), "db"));
  web.container.network_mode = "service:db";
  return stack_of({service("db"), web});
}

/// As `up` has made it.
Container joiner(const Stack& stack, const std::string& owner_id) {
  Container container = running(stack.services[1]);
  container.record.config.network_mode = "container:" + owner_id;
  return container;
}

}  // namespace

TEST_CASE("who joins a container is created after it, and told which it is") {
  Stack stack = joined_stack();
  Plan plan = plan_up(stack, {}, {});
  REQUIRE(plan.problems.empty());
  CHECK(
      to_text(plan).starts_with("create container shop-db-1 (missing)\n"
                                "create container shop-web-1 after create shop-db-1 (missing)\n"));
  CHECK(std::get<CreateContainer>(plan.steps[1].action).lenders.at("service:db").name == "shop-db-1");
}

TEST_CASE("who joins a container is made anew with it, and when it has been made anew") {
  Stack stack = joined_stack();
  Container db = running(stack.services[0]);
  CHECK(up(stack, observed_of({db, joiner(stack, db.record.id)})) == "");
  std::string text = up(stack, observed_of({db, joiner(stack, "another")}));
  CHECK(text.starts_with("recreate container shop-web-1 (a container that it takes from is made anew)\n"));
  text = up(stack, observed_of({outdated(db), joiner(stack, db.record.id)}));
  CHECK(text.find(
            "recreate container shop-web-1 after recreate shop-db-1 (a container that it takes from is made anew)\n") !=
        std::string::npos);
}

TEST_CASE("a container of elsewhere is joined by name or id, and has to be there") {
  ServiceConfig web = service("web");
  web.place = "compose.yaml:2:3";
  web.container.pid_mode = "container:other";
  Plan plan = plan_up(stack_of({web}), {}, {});
  REQUIRE(plan.problems.size() == 1);
  CHECK(plan.problems[0].message() ==
        "compose.yaml:2:3: service \"web\" needs container:other, but there is no such container");
  Container other = running(service("x"));
  other.record.project = "elsewhere";
  other.record.name = "other";
  plan = plan_up(stack_of({web}), observed_of({other}), {});
  CHECK(plan.problems.empty());
  CHECK(std::get<CreateContainer>(plan.steps[0].action).lenders.at("container:other").id == other.record.id);
}
