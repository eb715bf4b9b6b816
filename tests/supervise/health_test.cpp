#include "supervise/health.h"

#include <catch2/catch.hpp>

using namespace berth;
using namespace berth::supervise;
using namespace std::chrono_literals;

namespace {

engine::HealthConfig every(Duration interval, int64_t retries = 3, Duration start_period = 0s) {
  engine::HealthConfig config;
  config.test = {"CMD", "probe"};
  config.interval = interval.count();
  config.retries = retries;
  config.start_period = start_period.count();
  return config;
}

/// Probes as the supervisor does, with probes that take no time, until `end`; the times of the probes.
std::vector<Duration> probe_until(Health& health, Duration end, bool success) {
  std::vector<Duration> times;
  Duration now = 0s;
  while ((now += health.next_delay(now)) <= end) {
    times.push_back(now);
    health.on_probe(success, now);
  }
  return times;
}

}  // namespace

TEST_CASE("a container is starting until its first success") {
  Health health(every(10s), false);
  CHECK(health.state() == "starting");
  CHECK_FALSE(health.on_probe(false, 1ms));
  CHECK(health.state() == "starting");
  CHECK(health.on_probe(true, 60ms));
  CHECK(health.state() == "healthy");
  CHECK_FALSE(health.on_probe(true, 10s));
}

TEST_CASE("while starting, pauses grow with the time that has passed, up to the interval") {
  Health health(every(1s, 100), false);
  CHECK(health.next_delay(0s) == 0s);
  health.on_probe(false, 0s);
  CHECK(health.next_delay(0s) == 5ms);
  CHECK(health.next_delay(160ms) == 5ms);
  CHECK(health.next_delay(3200ms) == 100ms);
  CHECK(health.next_delay(32s) == 1s);
  CHECK(health.next_delay(1h) == 1s);
}

TEST_CASE("readiness is seen a thirty-second of the time it took later, with probes that are not many") {
  Health health(every(30s, 100), false);
  std::vector<Duration> times = probe_until(health, 30s, false);
  CHECK(times.size() < 250);
  for (size_t i = 1; i < times.size(); ++i) CHECK(times[i] - times[i - 1] <= std::max<Duration>(5ms, times[i] / 32));
}

TEST_CASE("probes that take long leave the processor to what they wait for") {
  Health health(every(30s, 100), false);
  health.on_probe(false, 100ms, 80ms);
  CHECK(health.next_delay(100ms) == 160ms);
  health.on_probe(false, 100ms, 3ms);
  CHECK(health.next_delay(100ms) == 6ms);
}

TEST_CASE("an interval shorter than the first pause is kept") {
  Health health(every(2ms, 100), false);
  health.on_probe(false, 0s);
  CHECK(health.next_delay(0s) == 2ms);
}

TEST_CASE("once healthy, probes come by the interval") {
  Health health(every(10s), false);
  health.on_probe(true, 5ms);
  CHECK(health.next_delay(5ms) == 10s);
  health.on_probe(false, 10s);
  CHECK(health.next_delay(10s) == 10s);
}

TEST_CASE("early probes do not make a container unhealthy sooner than the file's own would") {
  Health health(every(10s, 3), false);
  Health strict(every(10s, 3), true);
  std::vector<Duration> times = probe_until(health, 29s, false);
  CHECK(times.size() > 5);
  CHECK(health.state() == "starting");
  CHECK(health.failing_streak() <= 2);
  CHECK(probe_until(strict, 29s, false).size() == 2);
  CHECK(strict.state() == "starting");

  Health later(every(10s, 3), false);
  probe_until(later, 51s, false);
  CHECK(later.state() == "unhealthy");
}

TEST_CASE("strict probes only by the interval, the first one too") {
  Health health(every(10s), true);
  CHECK(health.next_delay(0s) == 10s);
  for (int i = 1; i <= 3; ++i) {
    CHECK(health.state() == "starting");
    bool changed = health.on_probe(false, i * 10s);
    CHECK(changed == (i == 3));
    CHECK(health.failing_streak() == i);
  }
  CHECK(health.state() == "unhealthy");
}

TEST_CASE("failures in a row count, and a success begins anew") {
  Health health(every(10s, 2), true);
  health.on_probe(true, 10s);
  health.on_probe(false, 20s);
  CHECK(health.failing_streak() == 1);
  health.on_probe(true, 30s);
  CHECK(health.failing_streak() == 0);
  health.on_probe(false, 40s);
  CHECK(health.state() == "healthy");
  CHECK(health.on_probe(false, 50s));
  CHECK(health.state() == "unhealthy");
  CHECK(health.on_probe(true, 60s));
  CHECK(health.state() == "healthy");
}

TEST_CASE("failures of a healthy container count whatever the time since its start") {
  Health health(every(10s, 1), false);
  health.on_probe(true, 1ms);
  CHECK(health.on_probe(false, 2ms));
  CHECK(health.state() == "unhealthy");
}

TEST_CASE("failures in the start period do not count, a success does") {
  Health health(every(10s, 1, 60s), true);
  health.on_probe(false, 5s);
  health.on_probe(false, 59s);
  CHECK(health.state() == "starting");
  CHECK(health.failing_streak() == 0);
  Health lucky = health;
  CHECK(lucky.on_probe(true, 59s));
  // A success ends the start period.
  CHECK(lucky.on_probe(false, 59s));
  CHECK(lucky.state() == "unhealthy");
  CHECK(health.on_probe(false, 60s));
  CHECK(health.state() == "unhealthy");
}

TEST_CASE("in the start period strict probes come by the start interval, at most the interval") {
  engine::HealthConfig config = every(10s, 1, 60s);
  CHECK(Health(config, true).next_delay(0s) == 5s);  // Docker's default
  config.start_interval = Duration(2s).count();
  Health health(config, true);
  CHECK(health.next_delay(0s) == 2s);
  CHECK(health.next_delay(60s) == 10s);
  config.interval = Duration(1s).count();
  CHECK(Health(config, true).next_delay(0s) == 1s);
}

TEST_CASE("what the file does not say is as in Docker") {
  Health health(engine::HealthConfig(), true);
  CHECK(health.next_delay(0s) == 30s);
  CHECK(health.timeout() == 30s);
  health.on_probe(false, 30s);
  health.on_probe(false, 60s);
  CHECK(health.state() == "starting");
  health.on_probe(false, 90s);
  CHECK(health.state() == "unhealthy");
  engine::HealthConfig config;
  config.timeout = 7;
  CHECK(Health(config, true).timeout() == Duration(7));
}

TEST_CASE("a new supervisor goes on from what the last one knew") {
  Health health(every(10s, 3), false);
  health.restore("healthy", 2);
  CHECK(health.state() == "healthy");
  CHECK(health.next_delay(0s) == 10s);
  CHECK(health.on_probe(false, 0s));
  CHECK(health.state() == "unhealthy");
  Health fresh(every(10s), false);
  fresh.restore("", 0);
  CHECK(fresh.state() == "starting");
}
