#include <catch2/catch.hpp>

#include "tests/engine/values.h"

using namespace berth;
using namespace berth::engine;
using namespace berth::test;

namespace {

ServiceConfig db() {
  return service("db");
}
ServiceConfig api() {
  return depending(service("api"), "db", "service_healthy");
}
ServiceConfig web() {
  return depending(publishing(service("web"), 8080), "api");
}

const Selection kShop{"shop", {}, false};

Observed shop() {
  Observed observed = observed_of({running(api()), running(db()), running(web())});
  observed.networks = {existing(network("shop_default"))};
  observed.volumes = {"shop_data", "stranger"};
  return observed;
}

}  // namespace

TEST_CASE("down takes dependents first, in the order of the labels, and networks last") {
  CHECK(to_text(plan_down(kShop, shop(), {})) ==
        "stop container shop-web-1 (down)\n"
        "remove container shop-web-1 after stop shop-web-1 (down)\n"
        "stop container shop-api-1 after stop shop-web-1 (down)\n"
        "remove container shop-api-1 after stop shop-api-1 (down)\n"
        "stop container shop-db-1 after stop shop-api-1 (down)\n"
        "remove container shop-db-1 after stop shop-db-1 (down)\n"
        "remove network shop_default after remove shop-web-1, remove shop-api-1, remove shop-db-1 (down)\n");
}

TEST_CASE("down of a service takes along what depends on it, and leaves what others share") {
  Selection api = kShop;
  api.services = {"api"};
  CHECK(to_text(plan_down(api, shop(), {})) ==
        "stop container shop-web-1 (down)\n"
        "remove container shop-web-1 after stop shop-web-1 (down)\n"
        "stop container shop-api-1 after stop shop-web-1 (down)\n"
        "remove container shop-api-1 after stop shop-api-1 (down)\n");
}

TEST_CASE("down -v takes declared volumes that exist, and anonymous ones with their containers") {
  DownOptions options;
  options.declared_volumes = {"shop_data", "shop_never_made"};
  Plan plan = plan_down(kShop, shop(), options);
  CHECK(steps_of(plan, "Remove", "shop_data").empty());
  CHECK_FALSE(
      std::get<RemoveContainer>(plan.steps[steps_of(plan, "Remove", "shop-db-1").at(0)].action).anonymous_volumes);

  options.volumes = true;
  plan = plan_down(kShop, shop(), options);
  StepId volume = steps_of(plan, "Remove", "shop_data").at(0);
  StepId container = steps_of(plan, "Remove", "shop-db-1").at(0);
  CHECK(comes_after(plan, volume, container));
  CHECK(std::get<RemoveContainer>(plan.steps[container].action).anonymous_volumes);
  CHECK(steps_of(plan, "Remove", "shop_never_made").empty());
  CHECK(steps_of(plan, "Remove", "stranger").empty());
}

TEST_CASE("a network that a container which stays is on is left, with a warning") {
  Observed observed = shop();
  Container guest = running(service("guest"));
  guest.record.project = "other";
  guest.record.config.attachments.push_back({"shop_default"});
  observed.containers.push_back(guest);
  Plan plan = plan_down(kShop, observed, {});
  CHECK(steps_of(plan, "Remove", "shop_default").empty());
  CHECK(plan.warnings == std::vector<std::string>{"Network shop_default Resource is still in use by shop-guest-1"});

  // A container that goes as well keeps nothing.
  observed = shop();
  for (Container& container : observed.containers) container.record.config.attachments.push_back({"shop_default"});
  plan = plan_down(kShop, observed, {});
  CHECK(steps_of(plan, "Remove", "shop_default").size() == 1);
  CHECK(plan.warnings.empty());
}

TEST_CASE("external networks and other projects' networks and containers are not touched by down") {
  Observed observed = shop();
  NetworkRecord external = existing(network("shared"));
  external.config.external = true;
  NetworkRecord foreign = existing(network("foreign_default"));
  foreign.project = "foreign";
  observed.networks = {external, foreign};
  Container stranger = running(service("stranger"));
  stranger.record.project = "foreign";
  observed.containers.push_back(stranger);
  std::string text = to_text(plan_down(kShop, observed, {}));
  CHECK(text.find("network") == std::string::npos);
  CHECK(text.find("stranger") == std::string::npos);
  CHECK(text.find("shop-db-1") != std::string::npos);
}

TEST_CASE("down takes orphans and ended one-off containers only where that is asked for, running ones never") {
  Container done = exited(one_off(running(db())));
  Container busy = one_off(running(api()));
  Observed observed = observed_of({running(db()), running(service("old")), done, busy});
  DownOptions options;
  options.services = std::set<std::string>{"db", "api", "web"};
  Plan plan = plan_down(kShop, observed, options);
  CHECK(to_text(plan) ==
        "stop container shop-db-1 (down)\n"
        "remove container shop-db-1 after stop shop-db-1 (down)\n");
  CHECK(plan.warnings == std::vector<std::string>{"Containers that stay: shop-api-1-run (made by `run`, and running), "
                                                  "shop-db-1-run (made by `run`: --remove-orphans), "
                                                  "shop-old-1 (no service \"old\": --remove-orphans)"});
  options.remove_orphans = true;
  plan = plan_down(kShop, observed, options);
  CHECK(steps_of(plan, "Remove", "shop-old-1").size() == 1);
  CHECK(steps_of(plan, "Remove", "shop-db-1-run").size() == 1);
  CHECK(steps_of(plan, "Remove", "shop-api-1-run").empty());
}

TEST_CASE("down leaves containers of services that no profile enables, even with orphans, and says how to reach them") {
  Observed observed = shop();
  Container debug = running(service("debug"));
  debug.record.config.attachments.push_back({"shop_default"});
  debug.record.mounts.push_back({"volume", "shop_data", "/data"});
  observed.containers.push_back(debug);
  DownOptions options;
  options.services = std::set<std::string>{"db", "api", "web"};
  options.disabled = {{"debug", "dbg"}};
  options.remove_orphans = options.volumes = true;
  options.declared_volumes = {"shop_data"};
  Plan plan = plan_down(kShop, observed, options);
  CHECK(steps_of(plan, "Remove", "shop-debug-1").empty());
  CHECK(steps_of(plan, "Remove", "shop_default").empty());
  CHECK(steps_of(plan, "Remove", "shop_data").empty());
  CHECK(plan.warnings ==
        std::vector<std::string>{"Containers that stay: shop-debug-1 (\"debug\" is not enabled: --profile dbg)",
                                 "Network shop_default Resource is still in use by shop-debug-1",
                                 "Volume shop_data Resource is still in use by shop-debug-1"});
  CHECK(plan_down({"shop", {"web"}, false}, observed, options).warnings.empty());
}

TEST_CASE("without a compose file down takes every container of the project") {
  Plan plan = plan_down(kShop, observed_of({running(db()), running(service("anything"))}), {});
  CHECK(steps_of(plan, "Remove", "shop-db-1").size() == 1);
  CHECK(steps_of(plan, "Remove", "shop-anything-1").size() == 1);
}

TEST_CASE("down SERVICE leaves the others, networks and volumes") {
  DownOptions options;
  options.volumes = true;
  options.declared_volumes = {"shop_data"};
  CHECK(to_text(plan_down({"shop", {"web"}, false}, shop(), options)) ==
        "stop container shop-web-1 (down)\n"
        "remove container shop-web-1 after stop shop-web-1 (down)\n");
}

TEST_CASE("a cycle in forged labels does not keep down from ending") {
  Container a = running(depending(service("a"), "b")), b = running(depending(service("b"), "a"));
  Plan plan = plan_down(kShop, observed_of({a, b}), {});
  CHECK(plan.steps.size() == 4);
}

TEST_CASE("stop goes from dependents to dependencies, and not to one-off containers") {
  Observed observed = shop();
  observed.containers.push_back(one_off(running(db())));
  Plan plan = plan_stop(kShop, observed, 5);
  CHECK(to_text(plan) ==
        "stop container shop-web-1 (stop)\n"
        "stop container shop-api-1 after stop shop-web-1 (stop)\n"
        "stop container shop-db-1 after stop shop-api-1 (stop)\n");
  CHECK(std::get<StopContainer>(plan.steps[0].action).grace_ns == 5);
  CHECK(plan_stop({"shop", {}, true}, observed, std::nullopt).steps.size() == 4);
}

TEST_CASE("start waits at the gates of the labels and takes ports first") {
  Observed observed = observed_of({exited(running(api())), exited(running(db())), exited(running(web()))});
  CHECK(to_text(plan_start(kShop, observed)) ==
        "start container shop-db-1 (not running)\n"
        "wait until healthy container shop-db-1 after start shop-db-1 (api depends on it)\n"
        "start container shop-api-1 after start shop-db-1, wait until healthy shop-db-1 (not running)\n"
        "reserve ports container shop-web-1 after start shop-api-1 (published ports)\n"
        "start container shop-web-1 after reserve ports shop-web-1 (not running)\n");
}

TEST_CASE("start leaves what runs, and waits at no gate of a service that is not meant") {
  CHECK(to_text(plan_start(kShop, observed_of({running(db()), exited(running(api()))}))) ==
        "wait until healthy container shop-db-1 (api depends on it)\n"
        "start container shop-api-1 after wait until healthy shop-db-1 (not running)\n");
  CHECK(to_text(plan_start({"shop", {"api"}, false}, observed_of({running(db()), exited(running(api()))}))) ==
        "start container shop-api-1 (not running)\n");
}

TEST_CASE("start --wait ends with everything being ready, what ran already too, and jobs done") {
  ServiceConfig job = depending(service("job"), "db");
  ServiceConfig app = depending(service("app"), "job", "service_completed_successfully");
  Observed observed = observed_of({running(db()), exited(running(job)), exited(running(app))});
  CHECK(to_text(plan_start(kShop, observed, {true, 5})) ==
        "start container shop-job-1 (not running)\n"
        "wait until completed container shop-job-1 after start shop-job-1 (app depends on it)\n"
        "start container shop-app-1 after start shop-job-1, wait until completed shop-job-1 (not running)\n"
        "wait until ready container shop-app-1 after start shop-app-1 (--wait)\n"
        "wait until ready container shop-db-1 (--wait)\n"
        "wait until completed container shop-job-1 after start shop-job-1 (--wait)\n");
  for (const Step& step : plan_start(kShop, observed, {true, 5}).steps) {
    if (const auto* wait = std::get_if<WaitFor>(&step.action)) CHECK(wait->timeout_ns == 5);
  }
}

TEST_CASE("starting what runs already waits for nothing") {
  CHECK(to_text(plan_start(kShop, shop())) == "");
}

TEST_CASE("restart stops from the top and starts from the bottom") {
  CHECK(to_text(plan_restart(kShop, observed_of({running(api()), running(db())}), std::nullopt)) ==
        "stop container shop-api-1 (restart)\n"
        "stop container shop-db-1 after stop shop-api-1 (restart)\n"
        "start container shop-db-1 after stop shop-db-1 (not running)\n"
        "wait until healthy container shop-db-1 after start shop-db-1 (api depends on it)\n"
        "start container shop-api-1 after stop shop-api-1, start shop-db-1, wait until healthy shop-db-1 "
        "(not running)\n");
}

TEST_CASE("kill reaches what runs and nothing else") {
  Plan plan = plan_kill(kShop, observed_of({running(db()), exited(running(api()))}), 15);
  CHECK(to_text(plan) == "kill container shop-db-1 (kill)\n");
  CHECK(std::get<KillContainer>(plan.steps.at(0).action).signal == 15);
}

TEST_CASE("rm takes what does not run, and with --stop the rest as well") {
  Observed observed = observed_of({exited(running(api())), running(db())});
  CHECK(to_text(plan_remove(kShop, observed, {})) ==
        "stop container shop-api-1 (rm)\n"
        "remove container shop-api-1 after stop shop-api-1 (rm)\n");
  Plan plan = plan_remove(kShop, observed, {.stop = true, .volumes = true});
  REQUIRE(plan.steps.size() == 4);
  CHECK(std::get<RemoveContainer>(plan.steps[3].action).anonymous_volumes);
}

TEST_CASE("containers that are named are each for themselves, of whatever project") {
  Container web_of_shop = exited(running(api())), database = exited(running(db())),
            alone = exited(running(service("alone")));
  alone.record.project = "";
  alone.record.name = "alone";
  const Observed observed = observed_of({web_of_shop, database, alone});
  Selection selection;
  selection.containers = {web_of_shop.record.id, alone.record.id};
  const Plan start = plan_start(selection, observed);
  REQUIRE(start.steps.size() == 2);
  CHECK(steps_of(start, "Start", "alone").size() == 1);
  CHECK(start.steps[steps_of(start, "Start", "shop-api-1").at(0)].after.empty());
  CHECK(plan_rename(only(alone.record), observed, "other").steps.size() == 1);
  const Plan clash = plan_rename(only(alone.record), observed, "shop-db-1");
  REQUIRE(clash.problems.size() == 1);
  CHECK(clash.problems[0].message() ==
        "the container name \"shop-db-1\" is in use by service \"db\" of project \"shop\"");
}
