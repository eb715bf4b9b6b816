#include "engine/plan_update.h"

#include <catch2/catch.hpp>

#include "tests/engine/up.h"
#include "tests/engine/values.h"

using namespace berth;
using namespace berth::engine;
using namespace berth::test;

namespace {

/// `web` with update_config, three of it, all of an older configuration.
Plan rolling(const RolloutConfig& config, ServiceConfig web = service("web")) {
  web.replicas = 3;
  web.update = config;
  std::vector<Container> old;
  for (int64_t n = 1; n <= 3; ++n) old.push_back(outdated(running(web, n)));
  return plan_up(stack_of({web}), observed_of(old), {});
}

}  // namespace

TEST_CASE("running containers of a service with update_config are replaced behind the plan, in groups") {
  RolloutConfig config;
  config.parallelism = 2;
  Plan plan = rolling(config);
  CHECK(plan.steps.empty());
  CHECK(changes_anything(plan));
  REQUIRE(plan.updates.size() == 1);
  const ServiceUpdate& update = plan.updates[0];
  CHECK(group_count(update) == 2);
  CHECK(group(update, 1) == std::vector<size_t>{2});
  CHECK(to_text(plan_group(update, 1)) ==
        "recreate container shop-web-3 (configuration changed)\n"
        "stop container shop-web-3 after recreate shop-web-3 (update)\n"
        "rename container shop-web-3 after stop shop-web-3 (update)\n"
        "start container shop-web-3 after rename shop-web-3 (update)\n"
        "wait until ready container shop-web-3 after start shop-web-3 (has to be ready)\n");
  CHECK(to_text(plan_finish(update, {0})) ==
        "remove container shop-web-1 (is replaced)\nremove container shop-web-2 (is replaced)\n");
}

TEST_CASE("start-first hands ports and names over once the new one is ready") {
  RolloutConfig config;
  config.start_first = true;
  config.parallelism = 0;
  config.monitor_ns = 7;
  Plan plan = rolling(config, publishing(service("web"), 8080));
  CHECK(group_count(plan.updates[0]) == 1);
  Plan group = plan_group(plan.updates[0], 0);
  std::vector<StepId> handed = steps_of(group, "Hand over to", "shop-web-1");
  REQUIRE(handed.size() == 1);
  CHECK(comes_after(group, handed[0], steps_of(group, "Wait until ready", "shop-web-1").at(0)));
  CHECK(comes_after(group, steps_of(group, "Stop", "shop-web-1").at(0), handed[0]));
  CHECK(steps_of(group, "Reserve ports", "shop-web-1").empty());
  CHECK(std::get<StartContainer>(group.steps[steps_of(group, "Start", "shop-web-1").at(0)].action).ports_later);
  CHECK(std::get<WaitFor>(group.steps[steps_of(group, "Wait until ready", "shop-web-1").at(0)].action).steady_ns == 7);
}

TEST_CASE("a rollback lets the old containers take their places again, the last ones first") {
  RolloutConfig config;
  Plan plan = rolling(config);
  plan.updates[0].rollback.parallelism = 2;
  std::vector<Plan> back = plan_put_back(plan.updates[0], {0, 1});
  REQUIRE(back.size() == 1);
  CHECK(
      to_text(back[0]).starts_with("stop container shop-web-2 (rollback)\n"
                                   "rename container shop-web-2 after stop shop-web-2 (rollback)\n"
                                   "start container shop-web-2 after rename shop-web-2 (rollback)\n"));
  CHECK(std::get<StartContainer>(back[0].steps[2].action).container.id == "id-of-shop-web-2");
}

TEST_CASE("what follows from a failure depends on the action and on how many may fail") {
  ServiceUpdate update;
  update.replacements.resize(4);
  CHECK(after_failure(update, 1) == AfterFailure::pause);
  update.update.failure_action = "rollback";
  CHECK(after_failure(update, 1) == AfterFailure::roll_back);
  update.update.max_failure_ratio = 0.25;
  CHECK(after_failure(update, 1) == AfterFailure::go_on);
  CHECK(after_failure(update, 2) == AfterFailure::roll_back);
  update.update.failure_action = "continue";
  CHECK(after_failure(update, 4) == AfterFailure::go_on);
}

TEST_CASE("what is stopped, or bound to another service, is replaced at once") {
  ServiceConfig web = service("web");
  web.update.emplace();
  CHECK(plan_up(stack_of({web}), observed_of({exited(outdated(running(web)))}), {}).updates.empty());
  ServiceConfig side = service("side");
  side.container.network_mode = "service:web";
  Plan plan = plan_up(stack_of({web, side}), observed_of({outdated(running(web))}), {});
  CHECK(plan.updates.empty());
  REQUIRE(plan.warnings.size() == 1);
  CHECK(plan.warnings[0] ==
        "deploy.update_config of service \"web\" has no effect: service \"side\" is made anew or restarted with it");
}

TEST_CASE("an update that was cut off begins again with the containers whose successors were not ready") {
  ServiceConfig web = publishing(service("web"), 8080);
  web.update.emplace();
  web.replicas = 2;
  Container old = outdated(running(web));
  Container fresh = running(web);
  old.record.created_ns = 1;
  old.record.name = "id-of-shop-w_shop-web-1";
  fresh.record.created_ns = 2;
  fresh.record.id = "fresh";
  fresh.live.ports.emplace_back();
  auto plan_of = [&](std::vector<Container> there) {
    there.push_back(outdated(running(web, 2)));
    return plan_up(stack_of({web}), observed_of(std::move(there)), {});
  };
  const std::string away =
      "rename container shop-web-1 (a recreation was cut off)\n"
      "stop container shop-web-1 (an update was cut off)\n"
      "remove container shop-web-1 after rename shop-web-1, stop shop-web-1 (an update was cut off)\n";

  SECTION("it is not healthy yet") {
    fresh.live.health = "starting";
    Plan plan = plan_of({old, fresh});
    CHECK(to_text(plan) == away);
    CHECK(std::get<StopContainer>(plan.steps.at(1).action).container.id == "fresh");
    REQUIRE(plan.updates.size() == 1);
    REQUIRE(plan.updates[0].replacements.size() == 2);
    CHECK(plan.updates[0].replacements[0].old.id == old.record.id);
  }
  SECTION("nor is the old one running any more") {
    fresh.live.health = "starting";
    Plan plan = plan_of({exited(old), fresh});
    CHECK(plan.updates.at(0).replacements.size() == 2);
  }
  SECTION("the old one has the ports") {
    fresh.live.ports.clear();
    CHECK(to_text(plan_of({old, fresh})) == away);
  }
  SECTION("it was ready, and the old one is removed") {
    for (const Container& one : {old, exited(old)}) {
      Plan plan = plan_of({one, fresh});
      CHECK(plan.updates.at(0).replacements.size() == 1);
      const StepId last = plan.steps.size() - 1;
      CHECK(std::get<RemoveContainer>(plan.steps.at(last).action).container.id == old.record.id);
    }
  }
}
