#include "supervise/restart_policy.h"

#include <catch2/catch.hpp>

using namespace berth;
using namespace berth::supervise;
using namespace std::chrono_literals;

namespace {

RestartPolicy policy(const std::string& name, int64_t max_attempts = 0) {
  return RestartPolicy(engine::RestartConfig{name, max_attempts});
}

}  // namespace

TEST_CASE("without a policy nothing starts again") {
  CHECK_FALSE(policy("no").on_exit(1, 1s));
  CHECK_FALSE(policy("").on_exit(137, 1h));
}

TEST_CASE("always and unless-stopped start again however it ended") {
  for (const char* name : {"always", "unless-stopped"}) {
    INFO(name);
    RestartPolicy p = policy(name);
    CHECK(p.on_exit(0, 1s) == 100ms);
    CHECK(p.on_exit(1, 1s) == 200ms);
  }
}

TEST_CASE("pauses double up to a minute") {
  RestartPolicy p = policy("always");
  Duration expected = 100ms;
  for (int i = 0; i < 20; ++i) {
    CHECK(p.on_exit(1, 9999ms) == expected);
    expected = std::min<Duration>(expected * 2, 1min);
  }
  CHECK(expected == 1min);
}

TEST_CASE("a run of ten seconds begins anew") {
  RestartPolicy p = policy("always");
  (void)p.on_exit(1, 0s);
  (void)p.on_exit(1, 0s);
  CHECK(p.on_exit(1, 9999ms) == 400ms);
  CHECK(p.on_exit(1, 10s) == 100ms);
  CHECK(p.on_exit(1, 0s) == 200ms);
}

TEST_CASE("what it remembers is a value, with which another one goes on") {
  RestartPolicy before = policy("always");
  (void)before.on_exit(1, 0s);
  (void)before.on_exit(1, 0s);
  RestartPolicy after(engine::RestartConfig{"always", 0}, before.state());
  CHECK(after.on_exit(1, 0s) == 400ms);
}

TEST_CASE("a delay makes all pauses alike") {
  engine::RestartConfig config{"always", 0};
  config.delay_ns = Duration(3s).count();
  RestartPolicy p(config);
  for (int i = 0; i < 5; ++i) CHECK(p.on_exit(1, 1s) == 3s);
  config.delay_ns = 0;
  CHECK(RestartPolicy(config).on_exit(1, 1s) == 0s);
}

TEST_CASE("any with attempts gives up, too") {
  RestartPolicy p = policy("always", 2);
  CHECK(p.on_exit(0, 1s));
  CHECK(p.on_exit(0, 1s));
  CHECK_FALSE(p.on_exit(0, 1s));
}

TEST_CASE("a window says after how long a run was a good one") {
  engine::RestartConfig config{"on-failure", 1};
  config.window_ns = Duration(2min).count();
  RestartPolicy p(config);
  CHECK(p.on_exit(1, 1s));
  CHECK_FALSE(p.on_exit(1, 119s));
  CHECK(p.on_exit(1, 2min));
  config.window_ns = 0;  // there is no such run
  RestartPolicy never(config);
  CHECK(never.on_exit(1, 1h));
  CHECK_FALSE(never.on_exit(1, 1h));
}

TEST_CASE("what was ended because it is unhealthy starts again whatever its code, while attempts last") {
  CHECK(policy("no").on_exit(0, 1s, true) == 100ms);
  CHECK(policy("on-failure").on_exit(0, 1s, true) == 100ms);
  RestartPolicy p = policy("on-failure", 1);
  CHECK(p.on_exit(143, 1s, true));
  CHECK_FALSE(p.on_exit(143, 1s, true));
}

TEST_CASE("on-failure starts again only after a failure") {
  RestartPolicy p = policy("on-failure");
  CHECK_FALSE(p.on_exit(0, 1s));
  for (int i = 0; i < 50; ++i) CHECK(p.on_exit(3, 1s));
}

TEST_CASE("on-failure gives up after so many attempts in a row") {
  RestartPolicy p = policy("on-failure", 2);
  CHECK(p.on_exit(1, 1s) == 100ms);
  CHECK(p.on_exit(1, 1s) == 200ms);
  CHECK_FALSE(p.on_exit(1, 1s));
  CHECK_FALSE(p.on_exit(1, 1s));
  // A good run counts as one that came up.
  CHECK(p.on_exit(1, 10s) == 100ms);
  CHECK(p.on_exit(1, 1s) == 200ms);
  CHECK_FALSE(p.on_exit(1, 1s));
}
