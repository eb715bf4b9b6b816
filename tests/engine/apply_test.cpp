#include "engine/apply.h"

#include <catch2/catch.hpp>

#include "base/text.h"
#include "tests/engine/memory_host.h"

using namespace berth;
using namespace berth::engine;
using namespace berth::test;

namespace {

void ignore_events(StepId, StepEvent, const Error*) {}

/// With a host whose steps end at once.
ApplyReport apply(const Plan& plan, MemoryHost& host, bool keep_going = false) {
  std::optional<ApplyReport> report;
  Apply::run(plan, host, {keep_going}, ignore_events, [&](ApplyReport r) {
    REQUIRE_FALSE(report);
    report = std::move(r);
  });
  REQUIRE(report);
  return std::move(*report);
}

Action start_of(const std::string& name) {
  return StartContainer{{name, ""}, false};
}

/// a, b after a, c after a, d after b and c; every name a container that exists.
Plan diamond() {
  Plan plan;
  StepId a = plan.add(start_of("a"), "test");
  StepId b = plan.add(start_of("b"), "test", {a});
  StepId c = plan.add(start_of("c"), "test", {a});
  plan.add(start_of("d"), "test", {b, c});
  return plan;
}

MemoryHost host_of(const std::string& names) {
  MemoryHost host(stack_of({}));
  for (char name : names) host.state.containers["new-" + std::string(1, name)] = {std::string(1, name), "", false};
  return host;
}

/// db and a web that publishes a port, with a network and a volume.
Stack shop() {
  Stack stack = stack_of({service("db"), publishing(depending(service("web"), "db", "service_healthy"), 8080)});
  stack.networks = {network("shop_default")};
  stack.volumes = {volume("shop_data")};
  return stack;
}

struct Start {
  const char* name;
  std::function<void(MemoryHost&)> prepare;
  UpOptions options;
};

std::vector<Start> ways_to_start() {
  UpOptions wait;
  wait.wait = true;
  return {
      {"nothing there", [](MemoryHost&) {}, {}},
      {"older ones run", [](MemoryHost& h) { h.add_old("db", true), h.add_old("web", true); }, {}},
      {"older ones run, --wait", [](MemoryHost& h) { h.add_old("db", true), h.add_old("web", true); }, wait},
      {"older ones are stopped", [](MemoryHost& h) { h.add_old("db", false), h.add_old("web", false); }, {}},
      {"one runs, one does not", [](MemoryHost& h) { h.add_old("db", false), h.add_old("web", true); }, {}},
  };
}

}  // namespace

TEST_CASE("steps start when all they wait for is done") {
  MemoryHost host = host_of("abcd");
  ApplyReport report = apply(diamond(), host);
  CHECK(report.ok());
  CHECK(report.done == std::vector<StepId>{0, 1, 2, 3});
  CHECK(host.started == std::vector<std::string>{"start a", "start b", "start c", "start d"});
}

TEST_CASE("an empty plan is done at once") {
  MemoryHost host = host_of("");
  ApplyReport report = apply({}, host);
  CHECK(report.ok());
  CHECK(report.done.empty());
}

TEST_CASE("steps that are ready run side by side and may end in any order") {
  Plan plan = diamond();
  MemoryHost host = host_of("abcd");
  host.deferred = true;
  std::optional<ApplyReport> report;
  Apply::run(plan, host, {}, ignore_events, [&](ApplyReport r) { report = std::move(r); });
  CHECK(host.pending() == 1);
  host.end_one();
  CHECK(host.pending() == 2);
  host.end_one(1);  // c before b
  CHECK(host.started.size() == 3);
  host.end_one();
  REQUIRE_FALSE(report);
  host.end_one();
  REQUIRE(report);
  CHECK(report->done == std::vector<StepId>{0, 2, 1, 3});
}

TEST_CASE("whoever watches hears of the start and the end of each step") {
  Plan plan = diamond();
  MemoryHost host = host_of("abcd");
  host.fail_at = 2;
  std::string heard;
  auto observer = [&](StepId id, StepEvent event, const Error* error) {
    heard += words(plan.steps[id].action).name;
    heard += event == StepEvent::started ? "+ " : event == StepEvent::done ? "- " : "! ";
    CHECK((error != nullptr) == (event == StepEvent::failed));
  };
  Apply::run(plan, host, {true}, observer, [](const ApplyReport&) {});
  CHECK(heard == "a+ a- b+ b! c+ c- ");
}

TEST_CASE("after a failure nothing new starts, and what runs is waited for") {
  Plan plan = diamond();
  MemoryHost host = host_of("abcd");
  host.deferred = true;
  host.fail_at = 2;
  std::optional<ApplyReport> report;
  Apply::run(plan, host, {}, ignore_events, [&](ApplyReport r) { report = std::move(r); });
  host.end_one();
  host.end_one();  // b fails, c still runs
  REQUIRE_FALSE(report);
  host.end_one();
  REQUIRE(report);
  CHECK(report->done == std::vector<StepId>{0, 2});
  REQUIRE(report->failures.size() == 1);
  CHECK(report->failures[0].step == 1);
  CHECK(report->failures[0].error.what == "start b was made to fail");
  CHECK(host.started.size() == 3);
}

TEST_CASE("a failure ends waits that nobody needs any more") {
  Plan plan;
  plan.add(WaitFor{{"a", ""}, Condition::healthy, std::nullopt}, "test");
  plan.add(start_of("b"), "test");
  MemoryHost host = host_of("ab");
  host.deferred = true;
  host.fail_on = {"start b"};
  std::optional<ApplyReport> report;
  Apply::run(plan, host, {}, ignore_events, [&](ApplyReport r) { report = std::move(r); });
  host.end_one(1);
  REQUIRE(report);
  CHECK(host.cancelled_waits == 1);
  CHECK(report->failures.size() == 2);
}

TEST_CASE("where it keeps going, a failure skips only what depends on it") {
  Plan plan = diamond();
  StepId e = plan.add(start_of("e"), "test", {2});
  MemoryHost host = host_of("abcde");
  host.fail_on = {"start b"};
  ApplyReport report = apply(plan, host, true);
  CHECK(report.done == std::vector<StepId>{0, 2, e});
  CHECK(report.failures.size() == 1);
  CHECK(host.cancelled_waits == 0);
}

TEST_CASE("cancelling starts nothing more and reports when the last step has ended") {
  Plan plan = diamond();
  MemoryHost host = host_of("abcd");
  host.deferred = true;
  std::optional<ApplyReport> report;
  auto run = Apply::run(plan, host, {}, ignore_events, [&](ApplyReport r) { report = std::move(r); });
  host.end_one();
  run->cancel();
  run->cancel();
  CHECK(host.cancelled_waits == 1);
  REQUIRE_FALSE(report);
  host.end_one();
  host.end_one();
  REQUIRE(report);
  CHECK(report->cancelled);
  CHECK_FALSE(report->ok());
  CHECK(report->done == std::vector<StepId>{0, 1, 2});
  CHECK(host.started.size() == 3);
}

TEST_CASE("cancelling a wait ends it, and cancelling what has ended does nothing") {
  Plan plan;
  plan.add(WaitFor{{"a", ""}, Condition::healthy, std::nullopt}, "test");
  MemoryHost host = host_of("a");
  host.deferred = true;
  int reports = 0;
  auto run = Apply::run(plan, host, {}, ignore_events, [&](const ApplyReport& r) {
    CHECK(r.cancelled);
    ++reports;
  });
  run->cancel();
  CHECK(reports == 1);
  int cancelled = host.cancelled_waits;
  CHECK(cancelled > 0);
  run->cancel();
  CHECK(reports == 1);
  CHECK(host.cancelled_waits == cancelled);
}

TEST_CASE("cancelling from inside an event is heard") {
  Plan plan = diamond();
  MemoryHost host = host_of("abcd");
  host.deferred = true;
  std::shared_ptr<Apply> run;
  std::optional<ApplyReport> report;
  auto observer = [&](StepId id, StepEvent event, const Error*) {
    if (id == 0 && event == StepEvent::done) run->cancel();
  };
  run = Apply::run(plan, host, {}, observer, [&](ApplyReport r) { report = std::move(r); });
  host.end_one();
  REQUIRE(report);
  CHECK(report->cancelled);
  CHECK(host.started.size() == 1);
}

TEST_CASE("thousands of steps that end inside start() do not pile up on the stack") {
  Plan plan;
  MemoryHost host = host_of("");
  for (StepId i = 0; i < 20'000; ++i) {
    plan.add(CreateVolume{volume("v" + std::to_string(i))}, "test",
             i > 0 ? std::vector<StepId>{i - 1} : std::vector<StepId>{});
  }
  CHECK(apply(plan, host).done.size() == 20'000);
  CHECK(host.state.volumes.size() == 20'000);
}

TEST_CASE("up that ends well leaves nothing for a second up") {
  for (const Start& way : ways_to_start()) {
    INFO(way.name);
    MemoryHost host(shop());
    way.prepare(host);
    ApplyReport report = apply(plan_up(shop(), host.observe(), way.options), host);
    CHECK(report.ok());
    for (const StepFailure& failure : report.failures) INFO(failure.error.what);
    CHECK(plan_up(shop(), host.observe(), {}).empty());
    CHECK(host.state.ports.at(8080) == "new-shop-web-1");
  }
}

TEST_CASE("wherever up fails, taking it back leaves the host as it was, until old containers are removed") {
  for (const Start& way : ways_to_start()) {
    bool failed = true;
    int rounds = 0, kept = 0;
    for (int n = 1; failed; ++n, ++rounds) {
      MemoryHost host(shop());
      way.prepare(host);
      MemoryHost::State before = host.state;
      Plan plan = plan_up(shop(), host.observe(), way.options);
      host.fail_at = n;
      ApplyReport report = apply(plan, host);
      failed = !report.ok();
      INFO(way.name << ", step " << n << " fails\n" << to_text(plan));
      if (!failed) break;
      host.fail_at = 0;
      Plan undo = plan_undo(plan, report.done);
      ApplyReport undone = apply(undo, host, true);
      INFO("taken back by\n" << to_text(undo));
      for (const StepFailure& failure : undone.failures) UNSCOPED_INFO(failure.error.what);
      CHECK(undone.ok());
      if (host.state.containers.size() > before.containers.size() || !(host.state == before)) {
        // Only where an old container is gone for good: then all that is new runs.
        ++kept;
        bool removed = std::any_of(report.done.begin(), report.done.end(), [&](StepId id) {
          return std::holds_alternative<RemoveContainer>(plan.steps[id].action);
        });
        CHECK(removed);
        CHECK(host.state.containers.at("new-shop-web-1").running);
        CHECK(host.state.containers.at("new-shop-db-1").running);
      }
      // And a second try gets there.
      CHECK(apply(plan_up(shop(), host.observe(), {}), host).ok());
      CHECK(plan_up(shop(), host.observe(), {}).empty());
    }
    CHECK(rounds >= 8);
    CHECK(kept <= 1);
  }
}

TEST_CASE("what cannot be taken back keeps only what it rests on") {
  Stack stack = stack_of({service("a"), service("b")});
  stack.networks = {network("shop_default")};
  MemoryHost host(stack);
  Plan plan = plan_up(stack, {}, {});
  ApplyReport report = apply(plan, host);
  REQUIRE(report.ok());
  host.started.clear();
  host.fail_on = {"stop shop-a-1"};
  ApplyReport undone = apply(plan_undo(plan, report.done), host, true);
  CHECK(undone.failures.size() == 1);
  CHECK(host.state.containers.contains("new-shop-a-1"));
  CHECK_FALSE(host.state.containers.contains("new-shop-b-1"));
  CHECK(host.state.networks.contains("shop_default"));
}

TEST_CASE("an undo says what it does") {
  Stack stack = stack_of({publishing(service("web"), 80)});
  stack.networks = {network("shop_default")};
  Plan plan = plan_up(stack, {}, {});
  REQUIRE(plan.steps.size() == 4);
  CHECK(to_text(plan_undo(plan, {0, 1, 2})) ==
        "stop container shop-web-1 (taking back what failed)\n"
        "remove container shop-web-1 after stop shop-web-1 (taking back what failed)\n"
        "remove network shop_default after remove shop-web-1 (taking back what failed)\n");
  CHECK(plan_undo(plan, {}).empty());
}

TEST_CASE("down after up leaves the host as it was") {
  Stack stack = shop();
  MemoryHost host(stack);
  MemoryHost::State before = host.state;
  REQUIRE(apply(plan_up(stack, host.observe(), {}), host).ok());
  CHECK_FALSE(host.state == before);
  DownOptions options;
  options.volumes = true;
  options.declared_volumes = {"shop_data"};
  CHECK(apply(plan_down({"shop", {}, false}, host.observe(), options), host, true).ok());
  CHECK(host.state == before);
}

TEST_CASE("no more steps than asked for are under way at once, and waiting is none of them") {
  Plan plan;
  for (const char* name : {"a", "b", "c"}) plan.add(start_of(name), "test");
  plan.add(WaitFor{{"a", ""}, Condition::started, std::nullopt}, "test");
  MemoryHost host = host_of("abc");
  host.deferred = true;
  std::optional<ApplyReport> report;
  Apply::run(plan, host, {false, 2}, ignore_events, [&](ApplyReport r) { report = std::move(r); });
  CHECK(host.pending() == 3);  // two starts and the wait
  host.end_one();
  CHECK(host.pending() == 3);
  while (host.pending() > 0) host.end_one();
  REQUIRE(report);
  CHECK(report->done.size() == 4);
}
