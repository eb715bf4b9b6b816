#include "engine/blocked.h"

#include <catch2/catch.hpp>

#include "tests/engine/values.h"

using namespace berth;
using namespace berth::engine;
using namespace berth::test;

namespace {

Plan chain() {
  Stack shop = stack_of({service("db"), depending(service("api"), "db", "service_healthy"),
                         depending(service("web"), "api"), service("alone")});
  return plan_up(shop, Observed(), UpOptions());
}

StepId wait_for(const Plan& plan, const std::string& container) {
  for (StepId id = 0; id < plan.steps.size(); ++id) {
    const auto* wait = std::get_if<WaitFor>(&plan.steps[id].action);
    if (wait != nullptr && wait->container.name == container) return id;
  }
  FAIL("nobody waits for " << container);
  return 0;
}

}  // namespace

TEST_CASE("the chain of those who waited is told from the nearest on") {
  Plan plan = chain();
  CHECK(blocked_by(plan, wait_for(plan, "shop-db-1")) ==
        std::vector<std::string>{"shop-api-1 waited for shop-db-1 to be healthy",
                                 "shop-web-1 waited for shop-api-1 to start"});
}

TEST_CASE("nobody waited for a step that is the last") {
  Plan plan = chain();
  CHECK(blocked_by(plan, plan.steps.size() - 1).empty());
}

TEST_CASE("many who waited are counted") {
  std::vector<ServiceConfig> services{service("db")};
  for (int n = 10; n < 25; ++n)
    services.push_back(depending(service("s" + std::to_string(n)), "db", "service_healthy"));
  Plan plan = plan_up(stack_of(services), Observed(), UpOptions());
  std::vector<std::string> lines = blocked_by(plan, wait_for(plan, "shop-db-1"));
  REQUIRE(lines.size() == 11);
  CHECK(lines.back() == "and 5 more");
}
