#include "engine/pre_start.h"

#include <catch2/catch.hpp>

#include "tests/engine/up.h"
#include "tests/engine/values.h"

using namespace berth;
using namespace berth::engine;
using namespace berth::test;

namespace {

ServiceConfig hooked() {
  ServiceConfig config = service("web");
  config.container.pre_start = {{"", {"migrate"}, {}, "", "", false}, {"tools:1", {"seed"}, {}, "", "", false}};
  return config;
}

Container that_has_run(Container container) {
  container.live.started_ns = 1;
  return container;
}

/// As `create` leaves it.
Container waiting_hook(size_t hook) {
  Container container = exited(running(hooked()));
  container.record.one_off = true;
  container.record.pre_start = hook;
  container.record.name = pre_start_name("shop", "web", hook);
  container.record.id = "id-of-" + container.record.name;
  container.live.status = engine::Status::created;
  return container;
}

}  // namespace

TEST_CASE("pre_start hooks run one after the other before the first start, behind the gates") {
  ServiceConfig web = depending(hooked(), "db", "service_healthy");
  web.replicas = 2;
  CHECK(up(stack_of({service("db"), web}), {}) ==
        "create container shop-db-1 (missing)\n"
        "create container shop-web-1 (missing)\n"
        "create container shop-web-2 (missing)\n"
        "create container shop-web-pre_start-0 after create shop-web-1 (pre_start)\n"
        "create container shop-web-pre_start-1 after create shop-web-1 (pre_start)\n"
        "start container shop-db-1 after create shop-db-1, create shop-web-1, create shop-web-2, "
        "create shop-web-pre_start-0, create shop-web-pre_start-1 (not running)\n"
        "wait until healthy container shop-db-1 after start shop-db-1 (web depends on it)\n"
        "start container shop-web-pre_start-0 after create shop-db-1, create shop-web-1, create shop-web-2, "
        "create shop-web-pre_start-0, create shop-web-pre_start-1, start shop-db-1, wait until healthy shop-db-1 "
        "(pre_start)\n"
        "wait until completed container shop-web-pre_start-0 after start shop-web-pre_start-0 (web depends on it)\n"
        "start container shop-web-pre_start-1 after create shop-db-1, create shop-web-1, create shop-web-2, "
        "create shop-web-pre_start-0, create shop-web-pre_start-1, start shop-db-1, wait until healthy shop-db-1, "
        "wait until completed shop-web-pre_start-0 (pre_start)\n"
        "wait until completed container shop-web-pre_start-1 after start shop-web-pre_start-1 (web depends on it)\n"
        "start container shop-web-1 after create shop-db-1, create shop-web-1, create shop-web-2, "
        "create shop-web-pre_start-0, create shop-web-pre_start-1, start shop-db-1, wait until healthy shop-db-1, "
        "wait until completed shop-web-pre_start-0, wait until completed shop-web-pre_start-1 (not running)\n"
        "start container shop-web-2 after create shop-db-1, create shop-web-1, create shop-web-2, "
        "create shop-web-pre_start-0, create shop-web-pre_start-1, start shop-db-1, wait until healthy shop-db-1, "
        "wait until completed shop-web-pre_start-0, wait until completed shop-web-pre_start-1 (not running)\n"
        "remove container shop-web-pre_start-0 after start shop-db-1, start shop-web-pre_start-0, "
        "start shop-web-pre_start-1, start shop-web-1, start shop-web-2 (has done its work)\n"
        "remove container shop-web-pre_start-1 after start shop-db-1, start shop-web-pre_start-0, "
        "start shop-web-pre_start-1, start shop-web-1, start shop-web-2 (has done its work)\n");
}

TEST_CASE("where a replica has been started its pre_start hooks have succeeded") {
  Stack stack = stack_of({hooked()});
  CHECK(up(stack, observed_of({that_has_run(running(stack.services[0]))})) == "");
  CHECK(up(stack, observed_of({that_has_run(exited(running(stack.services[0])))})) ==
        "start container shop-web-1 (not running)\n");
  stack.services[0].replicas = 2;
  CHECK(up(stack, observed_of({that_has_run(running(stack.services[0]))})) ==
        "create container shop-web-2 (missing)\n"
        "start container shop-web-2 after create shop-web-2 (not running)\n");
}

TEST_CASE("pre_start hooks run again for another definition, and for containers that have never run") {
  Stack stack = stack_of({hooked()});
  auto hooks = [&](const Container& there) {
    Plan plan = plan_up(stack, observed_of({there}), {});
    return std::count_if(plan.steps.begin(), plan.steps.end(), [](const Step& step) {
      auto* create = std::get_if<CreateContainer>(&step.action);
      return create != nullptr && create->pre_start;
    });
  };
  Container web = running(stack.services[0]);
  CHECK(hooks(outdated(that_has_run(web))) == 2);
  CHECK(hooks(exited(web)) == 2);
  CHECK(hooks(that_has_run(web)) == 0);
}

TEST_CASE("a hook's container that is left from before is replaced") {
  Stack stack = stack_of({hooked()});
  stack.services[0].container.pre_start.pop_back();
  Container web = exited(running(stack.services[0]));
  CHECK(up(stack, observed_of({web, waiting_hook(0), waiting_hook(1)})) ==
        "recreate container shop-web-pre_start-0 (pre_start)\n"
        "rename container shop-web-pre_start-0 after recreate shop-web-pre_start-0 (takes the place of the old one)\n"
        "start container shop-web-pre_start-0 after recreate shop-web-pre_start-0, rename shop-web-pre_start-0 "
        "(pre_start)\n"
        "wait until completed container shop-web-pre_start-0 after start shop-web-pre_start-0 (web depends on it)\n"
        "start container shop-web-1 after recreate shop-web-pre_start-0, wait until completed shop-web-pre_start-0 "
        "(not running)\n"
        "remove container shop-web-pre_start-0 after rename shop-web-pre_start-0, start shop-web-pre_start-0, "
        "start shop-web-1 (has done its work)\n"
        "remove container shop-web-pre_start-0 after rename shop-web-pre_start-0, start shop-web-pre_start-0, "
        "start shop-web-1 (is replaced)\n"
        "remove container shop-web-pre_start-1 after rename shop-web-pre_start-0, start shop-web-pre_start-0, "
        "start shop-web-1 (its hook is not needed any more)\n");
}

TEST_CASE("start runs the pre_start hooks of a service that has never run, and refuses where they have failed") {
  Container web = exited(running(hooked()));
  web.live.status = engine::Status::created;
  Selection selection{"shop", {}, false};
  CHECK(to_text(plan_start(selection, observed_of({web, waiting_hook(0), waiting_hook(1)}), {})) ==
        "start container shop-web-pre_start-0 (pre_start)\n"
        "wait until completed container shop-web-pre_start-0 after start shop-web-pre_start-0 (web depends on it)\n"
        "remove container shop-web-pre_start-0 after wait until completed shop-web-pre_start-0 (has done its work)\n"
        "start container shop-web-pre_start-1 after wait until completed shop-web-pre_start-0 (pre_start)\n"
        "wait until completed container shop-web-pre_start-1 after start shop-web-pre_start-1 (web depends on it)\n"
        "remove container shop-web-pre_start-1 after wait until completed shop-web-pre_start-1 (has done its work)\n"
        "start container shop-web-1 after wait until completed shop-web-pre_start-0, "
        "wait until completed shop-web-pre_start-1 (not running)\n");
  Plan refused = plan_start(selection, observed_of({web, exited(waiting_hook(0)), waiting_hook(1)}), {});
  REQUIRE(refused.problems.size() == 1);
  CHECK(refused.problems[0].message() == "the pre_start hooks of service \"web\" have not all succeeded");
  CHECK(to_text(plan_start(selection, observed_of({that_has_run(web)}), {})) ==
        "start container shop-web-1 (not running)\n");
}

TEST_CASE("a hook's container is its service's but for what the hook says and what serves others") {
  ServiceConfig web = publishing(hooked(), 8080);
  web.container.entrypoint = {"serve"};
  web.container.environment = {{"A", "1"}};
  web.container.restart.policy = "always";
  web.container.mounts.push_back({});
  web.container.mounts.back().type = "volume";
  web.container.pre_start[1].environment = {"B=2=3"};
  web.container.pre_start[1].user = "nobody";
  ContainerConfig first = pre_start_service(web, 0, true).container,
                  second = pre_start_service(web, 1, false).container;
  CHECK(first.image == "image-of-web");
  CHECK(first.command == std::vector<std::string>{"migrate"});
  CHECK_FALSE(first.entrypoint);
  CHECK(first.ports.empty());
  CHECK(first.restart.policy == "no");
  CHECK(first.pre_start.empty());
  CHECK(first.mounts.empty());
  REQUIRE(first.volumes_from.size() == 1);
  CHECK(first.volumes_from[0].from == "service:web");
  CHECK(second.image == "tools:1");
  CHECK(second.user == "nobody");
  CHECK(second.mounts.size() == 1);
  CHECK(second.volumes_from.empty());
  REQUIRE(second.environment.size() == 2);
  CHECK(second.environment[1] == std::pair<std::string, std::optional<std::string>>("B", "2=3"));
}
