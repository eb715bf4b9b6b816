#include <catch2/catch.hpp>

#include <algorithm>

#include "tests/engine/up.h"
#include "tests/engine/values.h"

using namespace berth;
using namespace berth::engine;
using namespace berth::test;

namespace {

Stack shop() {
  ServiceConfig web = publishing(depending(service("web"), "db", "service_healthy"), 8080);
  Stack stack = stack_of({service("db"), web});
  stack.networks = {network("shop_default")};
  stack.volumes = {volume("shop_data")};
  return stack;
}

Observed shop_running() {
  Stack stack = shop();
  Observed observed = observed_of({running(stack.services[0]), running(stack.services[1])});
  observed.networks = {existing(stack.networks[0])};
  observed.volumes = {"shop_data"};
  return observed;
}

}  // namespace

TEST_CASE("a fresh stack is created whole before the first container starts, and gates open in order") {
  CHECK(up(shop(), {}) ==
        "create network shop_default (missing)\n"
        "create volume shop_data (missing)\n"
        "create container shop-db-1 after create shop_default, create shop_data (missing)\n"
        "create container shop-web-1 after create shop_default, create shop_data (missing)\n"
        "reserve ports container shop-web-1 after create shop-web-1 (published ports)\n"
        "start container shop-db-1 after create shop-db-1, create shop-web-1, reserve ports shop-web-1 (not running)\n"
        "wait until healthy container shop-db-1 after start shop-db-1 (web depends on it)\n"
        "start container shop-web-1 after create shop-db-1, create shop-web-1, reserve ports shop-web-1, "
        "start shop-db-1, wait until healthy shop-db-1 (not running)\n");
}

TEST_CASE("a stack that runs as wanted needs nothing") {
  Plan plan = plan_up(shop(), shop_running(), {});
  CHECK(to_text(plan) == "");
  CHECK(plan.empty());
  CHECK(plan.warnings.empty());
}

TEST_CASE("a changed service runs in its old form until the new one is about to start") {
  Stack stack = stack_of({service("web")});
  CHECK(up(stack, observed_of({outdated(running(stack.services[0]))})) ==
        "recreate container shop-web-1 (configuration changed)\n"
        "stop container shop-web-1 after recreate shop-web-1 (is replaced)\n"
        "rename container shop-web-1 after recreate shop-web-1, stop shop-web-1 (takes the place of the old one)\n"
        "start container shop-web-1 after recreate shop-web-1, rename shop-web-1 (not running)\n"
        "remove container shop-web-1 after stop shop-web-1, rename shop-web-1, start shop-web-1 (is replaced)\n");
}

TEST_CASE("the old container gives its ports up before the new one takes them") {
  Stack stack = stack_of({publishing(service("web"), 8080)});
  Plan plan = plan_up(stack, observed_of({outdated(running(stack.services[0]))}), {});
  CHECK(to_text(plan) ==
        "recreate container shop-web-1 (configuration changed)\n"
        "stop container shop-web-1 after recreate shop-web-1 (is replaced)\n"
        "reserve ports container shop-web-1 after recreate shop-web-1, stop shop-web-1 (published ports)\n"
        "rename container shop-web-1 after recreate shop-web-1, stop shop-web-1 (takes the place of the old one)\n"
        "start container shop-web-1 after recreate shop-web-1, reserve ports shop-web-1, rename shop-web-1 (not "
        "running)\n"
        "remove container shop-web-1 after stop shop-web-1, rename shop-web-1, start shop-web-1 (is replaced)\n");
  // The texts name both alike; the steps do not.
  CHECK(std::get<StopContainer>(plan.steps[1].action).container.id == "id-of-shop-web-1");
  CHECK(std::get<ReservePorts>(plan.steps[2].action).container.id == "");
  CHECK(std::get<RemoveContainer>(plan.steps[5].action).container.id == "id-of-shop-web-1");
  CHECK(std::get<RemoveContainer>(plan.steps[5].action).anonymous_volumes);  // that its successor has not taken over
}

TEST_CASE("ports may move from one service to another") {
  ServiceConfig a = publishing(service("a"), 8080), b = publishing(service("b"), 8081);
  Observed observed = observed_of({running(a), running(b)});
  Plan plan = plan_up(stack_of({publishing(service("a"), 8081), publishing(service("b"), 8080)}), observed, {});
  for (const char* taker : {"shop-a-1", "shop-b-1"}) {
    for (const char* giver : {"shop-a-1", "shop-b-1"}) {
      INFO(taker << " " << giver << "\n" << to_text(plan));
      CHECK(comes_after(plan, steps_of(plan, "Reserve ports", taker).at(0), steps_of(plan, "Stop", giver).at(0)));
    }
  }
}

TEST_CASE("nothing old is removed before everything new runs") {
  Stack stack = stack_of({service("a"), service("b")});
  Observed observed = observed_of(
      {outdated(running(stack.services[0])), outdated(running(stack.services[1])), running(service("gone"))});
  UpOptions options;
  options.remove_orphans = true;
  options.wait = true;
  Plan plan = plan_up(stack, observed, options);
  size_t removals = 0;
  for (StepId id = 0; id < plan.steps.size(); ++id) {
    if (!std::holds_alternative<RemoveContainer>(plan.steps[id].action)) continue;
    ++removals;
    for (const char* name : {"shop-a-1", "shop-b-1"}) {
      CHECK(comes_after(plan, id, steps_of(plan, "Start", name).at(0)));
      CHECK(comes_after(plan, id, steps_of(plan, "Wait until ready", name).at(0)));
    }
  }
  CHECK(removals == 3);
}

TEST_CASE("an old container that does not run is replaced without being stopped") {
  // Taking the plan back would start it, and it did not run before.
  Stack stack = stack_of({publishing(service("web"), 8080)});
  CHECK(up(stack, observed_of({exited(outdated(running(stack.services[0])))})) ==
        "recreate container shop-web-1 (configuration changed)\n"
        "reserve ports container shop-web-1 after recreate shop-web-1 (published ports)\n"
        "rename container shop-web-1 after recreate shop-web-1 (takes the place of the old one)\n"
        "start container shop-web-1 after recreate shop-web-1, reserve ports shop-web-1, rename shop-web-1 (not "
        "running)\n"
        "remove container shop-web-1 after rename shop-web-1, start shop-web-1 (is replaced)\n");
}

TEST_CASE("an old container between two runs, or whose end is not written down yet, is stopped first") {
  Stack stack = stack_of({service("web")});
  Container restarting = exited(outdated(running(stack.services[0])));
  restarting.live.status = engine::Status::restarting;
  Container ending = outdated(running(stack.services[0]));
  ending.live.status = engine::Status::exited;
  for (const Container& container : {restarting, ending}) {
    Plan plan = plan_up(stack, observed_of({container}), {});
    CHECK(steps_of(plan, "Stop", "shop-web-1").size() == 1);
  }
}

TEST_CASE("scaling up keeps the replicas that are there") {
  Stack stack = stack_of({service("web")});
  stack.services[0].replicas = 3;
  CHECK(up(stack, observed_of({running(stack.services[0], 1)})) ==
        "create container shop-web-2 (missing)\n"
        "create container shop-web-3 (missing)\n"
        "start container shop-web-2 after create shop-web-2, create shop-web-3 (not running)\n"
        "start container shop-web-3 after create shop-web-2, create shop-web-3 (not running)\n");
}

TEST_CASE("scaling down takes the highest numbers, and to nothing takes all") {
  Stack stack = stack_of({service("web")});
  Observed observed = observed_of({running(stack.services[0], 1), running(stack.services[0], 2)});
  CHECK(up(stack, observed) ==
        "stop container shop-web-2 (the service has 1 replicas)\n"
        "remove container shop-web-2 after stop shop-web-2 (the service has 1 replicas)\n");
  stack.services[0].replicas = 0;
  CHECK(up(stack, observed) ==
        "stop container shop-web-1 (the service has 0 replicas)\n"
        "stop container shop-web-2 (the service has 0 replicas)\n"
        "remove container shop-web-1 after stop shop-web-1 (the service has 0 replicas)\n"
        "remove container shop-web-2 after stop shop-web-2 (the service has 0 replicas)\n");
}

TEST_CASE("a recreation that was cut off ends with one container of a number") {
  Stack stack = stack_of({publishing(service("web"), 8080)});
  Container old = outdated(running(stack.services[0]));
  Container fresh = exited(running(stack.services[0]));
  old.record.created_ns = 1;
  fresh.record.created_ns = 2;
  fresh.record.id = "fresh";
  for (const Observed& observed : {observed_of({old, fresh}), observed_of({fresh, old})}) {
    Plan plan = plan_up(stack, observed, {});
    CHECK(to_text(plan) ==
          "stop container shop-web-1 (is replaced)\n"
          "reserve ports container shop-web-1 after stop shop-web-1 (published ports)\n"
          "start container shop-web-1 after reserve ports shop-web-1 (not running)\n"
          "remove container shop-web-1 after stop shop-web-1, start shop-web-1 (is replaced)\n");
    CHECK(std::get<StopContainer>(plan.steps.at(0).action).container.id == "id-of-shop-web-1");
    CHECK(std::get<StartContainer>(plan.steps.at(2).action).container.id == "fresh");
  }
}

TEST_CASE("orphans are named and left alone") {
  Stack stack = stack_of({service("web")});
  Observed observed = observed_of({running(service("old")), running(stack.services[0]), running(service("older"))});
  Plan plan = plan_up(stack, observed, {});
  CHECK(plan.empty());
  REQUIRE(plan.warnings.size() == 1);
  CHECK(plan.warnings[0].find("(shop-old-1, shop-older-1)") != std::string::npos);
  CHECK(plan.warnings[0].find("--remove-orphans") != std::string::npos);

  UpOptions options;
  options.ignore_orphans = true;
  CHECK(plan_up(stack, observed, options).warnings.empty());
}

TEST_CASE("orphans are removed where that is asked for, and their ports are free by then") {
  Stack stack = stack_of({publishing(service("web"), 8080)});
  Observed observed = observed_of({running(publishing(service("old"), 8080))});
  UpOptions options;
  options.remove_orphans = true;
  CHECK(up(stack, observed, options) ==
        "create container shop-web-1 (missing)\n"
        "stop container shop-old-1 after create shop-web-1 (orphan: its service is not in the file any more)\n"
        "reserve ports container shop-web-1 after create shop-web-1, stop shop-old-1 (published ports)\n"
        "start container shop-web-1 after create shop-web-1, reserve ports shop-web-1 (not running)\n"
        "remove container shop-old-1 after stop shop-old-1, start shop-web-1 "
        "(orphan: its service is not in the file any more)\n");
}

TEST_CASE("services that are only not selected, other projects and one-off containers are no orphans") {
  Container foreign = running(service("web"));
  foreign.record.project = "other";
  Observed observed = observed_of({running(service("side")), one_off(running(service("job"))), foreign});
  UpOptions options;
  options.remove_orphans = true;
  options.other_services = {"side"};
  Plan plan = plan_up(stack_of({}), observed, options);
  CHECK(plan.empty());
  CHECK(plan.warnings.empty());
}

TEST_CASE("an external network or volume that does not exist is a problem with its place") {
  Stack stack = shop();
  stack.networks[0].external = true;
  stack.networks[0].place = "compose.yaml:9:3";
  stack.volumes[0].external = true;
  Plan plan = plan_up(stack, {}, {});
  REQUIRE(plan.problems.size() == 2);
  CHECK(plan.problems[0].message() ==
        "compose.yaml:9:3: network shop_default is declared as external, but does not exist");
  CHECK(plan.problems[0].hint.find("remove `external: true`") != std::string::npos);
  CHECK(plan.problems[1].message() == "volume shop_data is declared as external, but does not exist");
}

TEST_CASE("external networks and volumes that exist are used and never created") {
  Stack stack = shop();
  stack.networks[0].external = stack.volumes[0].external = true;
  Observed observed;
  observed.networks = {existing(stack.networks[0])};
  observed.volumes = {"shop_data"};
  Plan plan = plan_up(stack, observed, {});
  CHECK(plan.problems.empty());
  CHECK(steps_of(plan, "Create", "shop_default").empty());
  CHECK(steps_of(plan, "Create", "shop_data").empty());
}

TEST_CASE("--no-start creates, and takes what it replaces away") {
  UpOptions options;
  options.no_start = true;
  options.wait = true;
  CHECK(up(stack_of({publishing(service("web"), 80)}), {}, options) == "create container shop-web-1 (missing)\n");
  Stack stack = stack_of({service("web")});
  CHECK(up(stack, observed_of({outdated(running(stack.services[0]))}), options) ==
        "recreate container shop-web-1 (configuration changed)\n"
        "stop container shop-web-1 after recreate shop-web-1 (is replaced)\n"
        "rename container shop-web-1 after recreate shop-web-1, stop shop-web-1 (takes the place of the old one)\n"
        "remove container shop-web-1 after recreate shop-web-1, stop shop-web-1, rename shop-web-1 (is replaced)\n");
}

TEST_CASE("--wait waits for the end of jobs that others wait for, and for everything else to be ready") {
  Stack stack = stack_of({service("job"), depending(service("web"), "job", "service_completed_successfully")});
  UpOptions options;
  options.wait = true;
  options.wait_timeout_ns = 5;
  Plan plan = plan_up(stack, {}, options);
  CHECK(to_text(plan) ==
        "create container shop-job-1 (missing)\n"
        "create container shop-web-1 (missing)\n"
        "start container shop-job-1 after create shop-job-1, create shop-web-1 (not running)\n"
        "wait until completed container shop-job-1 after start shop-job-1 (web depends on it)\n"
        "start container shop-web-1 after create shop-job-1, create shop-web-1, start shop-job-1, "
        "wait until completed shop-job-1 (not running)\n"
        "wait until completed container shop-job-1 after start shop-job-1 (--wait)\n"
        "wait until ready container shop-web-1 after start shop-web-1 (--wait)\n");
  CHECK(std::get<WaitFor>(plan.steps[3].action).timeout_ns == 5);
  CHECK(std::get<WaitFor>(plan.steps[6].action).timeout_ns == 5);
}

TEST_CASE("--wait also waits for what runs already") {
  UpOptions options;
  options.wait = true;
  Stack stack = stack_of({service("db")});
  CHECK(up(stack, observed_of({running(stack.services[0])}), options) ==
        "wait until ready container shop-db-1 (--wait)\n");
}

TEST_CASE("a stopped container is only started, and its dependents are left running") {
  Observed observed = shop_running();
  observed.containers[0] = exited(observed.containers[0]);
  CHECK(up(shop(), observed) == "start container shop-db-1 (not running)\n");
  observed = shop_running();
  observed.containers[1] = exited(observed.containers[1]);
  CHECK(up(shop(), observed) ==
        "reserve ports container shop-web-1 (published ports)\n"
        "wait until healthy container shop-db-1 (web depends on it)\n"
        "start container shop-web-1 after reserve ports shop-web-1, wait until healthy shop-db-1 (not running)\n");
}

TEST_CASE("containers of services that no profile enables run on, and are named") {
  Stack stack = stack_of({service("web")});
  Container debug = running(service("debug")), rested = exited(running(service("rested")));
  UpOptions options;
  options.other_services = {"debug", "rested"};
  options.disabled = {{"debug", "dbg"}, {"rested", "dbg"}};
  Plan plan = plan_up(stack, observed_of({debug, rested, running(stack.services[0])}), options);
  CHECK(plan.empty());
  CHECK(plan.warnings ==
        std::vector<std::string>{"Containers of services that are not enabled run on: shop-debug-1 (--profile dbg)"});
}

TEST_CASE("a container that its restart policy is about to start is left to it") {
  Stack stack = stack_of({service("web")});
  Container container = exited(running(stack.services[0]));
  container.live.status = engine::Status::restarting;
  CHECK(up(stack, observed_of({container})) == "");
}

TEST_CASE("a container that is waited for by two services is waited for once") {
  Stack stack = stack_of({service("db"), depending(service("a"), "db", "service_healthy"),
                          depending(service("b"), "db", "service_healthy")});
  Plan plan = plan_up(stack, {}, {});
  std::vector<StepId> waits = steps_of(plan, "Wait until healthy", "shop-db-1");
  REQUIRE(waits.size() == 1);
  CHECK(comes_after(plan, steps_of(plan, "Start", "shop-a-1").at(0), waits[0]));
  CHECK(comes_after(plan, steps_of(plan, "Start", "shop-b-1").at(0), waits[0]));
}

TEST_CASE("a dependency that is not part of the stack is no gate") {
  CHECK(up(stack_of({depending(service("web"), "db", "service_healthy")}), {}) ==
        "create container shop-web-1 (missing)\n"
        "start container shop-web-1 after create shop-web-1 (not running)\n");
}

TEST_CASE("container_name replaces the numbered name") {
  Stack stack = stack_of({service("web")});
  stack.services[0].container_name = "shopfront";
  CHECK(up(stack, {}).rfind("create container shopfront (missing)\n", 0) == 0);
}

TEST_CASE("a plan does not depend on the order in which containers were observed") {
  Stack stack = stack_of({service("db"), publishing(service("web"), 80)});
  stack.services[1].replicas = 2;
  std::vector<Container> containers = {exited(running(stack.services[0])),
                                       outdated(running(stack.services[1], 1)),
                                       running(stack.services[1], 2),
                                       running(stack.services[1], 3),
                                       running(service("old")),
                                       running(service("older"))};
  auto by_id = [](const Container& a, const Container& b) { return a.record.id < b.record.id; };
  std::sort(containers.begin(), containers.end(), by_id);
  UpOptions remove;
  remove.remove_orphans = true;
  Plan first = plan_up(stack, observed_of(containers), {});
  std::string removing = to_text(plan_up(stack, observed_of(containers), remove));
  REQUIRE(first.steps.size() >= 3);
  int orders = 0;
  do {
    Plan plan = plan_up(stack, observed_of(containers), {});
    REQUIRE(to_text(plan) == to_text(first));
    REQUIRE(plan.warnings == first.warnings);
    REQUIRE(to_text(plan_up(stack, observed_of(containers), remove)) == removing);
    ++orders;
  } while (std::next_permutation(containers.begin(), containers.end(), by_id));
  CHECK(orders == 720);
}

TEST_CASE("every step of a plan comes after the steps it waits for") {
  UpOptions options;
  options.wait = options.force_recreate = options.remove_orphans = true;
  Observed observed = shop_running();
  observed.containers.push_back(running(service("old")));
  Plan plan = plan_up(shop(), observed, options);
  REQUIRE(plan.steps.size() > 8);
  for (StepId id = 0; id < plan.steps.size(); ++id) {
    const std::vector<StepId>& after = plan.steps[id].after;
    CHECK(std::all_of(after.begin(), after.end(), [&](StepId earlier) { return earlier < id; }));
    CHECK(std::is_sorted(after.begin(), after.end()));
  }
}
