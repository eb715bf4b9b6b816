#include "engine/host_support.h"

#include <catch2/catch.hpp>

#include "tests/engine/values.h"

using namespace berth;
using namespace berth::engine;
using namespace berth::test;

namespace {

Stack limited() {
  ServiceConfig web = service("web");
  ResourceConfig& r = web.container.resources;
  r.memory = 64 << 20;
  r.memory_swappiness = 10;
  r.oom_kill_disable = true;
  r.blkio.weight = 300;
  r.blkio.read_bps = {{"/dev/sda", 1000}};
  return stack_of({web});
}

}  // namespace

TEST_CASE("what the kernel has is left as it is, without a word") {
  Stack stack = limited();
  std::vector<Error> problems;
  CHECK(fit_to_host(stack, HostSupport{}, problems).empty());
  CHECK(problems.empty());
  CHECK(stack.services[0].container.resources.blkio.weight == 300);
  CHECK(asks_for_support(stack));
  CHECK_FALSE(asks_for_support(stack_of({service("web")})));
}

TEST_CASE("what the kernel does not have is left out with a warning") {
  Stack stack = limited();
  HostSupport host;
  host.swappiness = host.oom_kill_disable = host.blkio_weight = false;
  std::vector<Error> problems;
  std::vector<std::string> warnings = fit_to_host(stack, host, problems);
  REQUIRE(warnings.size() == 3);
  CHECK(warnings[0] == "service \"web\": mem_swappiness is left out: the kernel does not support memory swappiness");
  const ResourceConfig& r = stack.services[0].container.resources;
  CHECK_FALSE(r.memory_swappiness);
  CHECK_FALSE(r.oom_kill_disable);
  CHECK(r.blkio.weight == 0);
  CHECK(r.blkio.read_bps.size() == 1);
  CHECK(problems.empty());
}

TEST_CASE("realtime and confinement are never left out in silence") {
  Stack stack = limited();
  ContainerConfig& c = stack.services[0].container;
  c.resources.cpu_rt_runtime = 1000;
  c.security_opt = {"apparmor=strict", "apparmor:unconfined", "label=type:x_t", "label=disable"};
  HostSupport host;
  host.realtime = host.selinux = false;
  host.apparmor_profiles = {{"docker-default", "strct"}};
  std::vector<Error> problems;
  std::vector<std::string> warnings = fit_to_host(stack, host, problems);
  REQUIRE(problems.size() == 2);
  CHECK(problems[0].message().find("realtime") != std::string::npos);
  CHECK(problems[1].message().find("AppArmor profile \"strict\" is not loaded") != std::string::npos);
  CHECK(problems[1].hint == "did you mean \"strct\"?");
  REQUIRE(warnings.size() == 1);
  CHECK(warnings[0].find("label=type:x_t") != std::string::npos);
}
