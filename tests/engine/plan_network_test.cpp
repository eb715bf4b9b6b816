#include "engine/plan_network.h"

#include <catch2/catch.hpp>

#include "engine/endpoints.h"
#include "engine/network_driver.h"
#include "tests/engine/up.h"
#include "tests/engine/values.h"

using namespace berth;
using namespace berth::engine;
using namespace berth::test;

namespace {

NetworkConfig defined(const std::string& name, const std::string& mtu = "") {
  NetworkConfig config;
  config.name = name;
  if (!mtu.empty()) config.options["com.docker.network.driver.mtu"] = mtu;
  return config;
}

NetworkRecord record(const NetworkConfig& config, const std::string& project = "shop") {
  NetworkRecord made;
  made.id = "0123456789abcdef";
  made.project = project;
  made.config = config;
  made.config.labels["com.docker.compose.project"] = project;
  return made;
}

AttachmentConfig on(const std::string& name, int64_t priority = 0, int64_t gw_priority = 0) {
  AttachmentConfig attachment;
  attachment.network = name;
  attachment.priority = priority;
  attachment.gw_priority = gw_priority;
  return attachment;
}

/// `web` on shop_back, running; the stack wants another MTU there.
struct Changed {
  Stack stack;
  Observed observed;
  Changed() {
    ServiceConfig web = service("web");
    web.container.attachments = {on("shop_back")};
    stack = stack_of({web});
    stack.networks = {defined("shop_back", "1400")};
    observed.containers = {running(web)};
    observed.networks = {record(defined("shop_back"))};
  }
};

}  // namespace

TEST_CASE("a network of another definition is made anew under containers that stand still") {
  Changed there;
  CHECK(up(there.stack, there.observed) ==
        "stop container shop-web-1 (network shop_back has changed)\n"
        "remove network shop_back after stop shop-web-1 (its definition has changed)\n"
        "    options.com.docker.network.driver.mtu: (not set) -> \"1400\"\n"
        "create network shop_back after remove shop_back (its definition has changed)\n"
        "start container shop-web-1 after stop shop-web-1, create shop_back (network shop_back has changed)\n");
  there.stack.networks = {defined("shop_back")};
  CHECK(up(there.stack, there.observed) == "");
}

TEST_CASE("a failed up gives the network its old definition back") {
  Changed there;
  const Plan plan = plan_up(there.stack, there.observed, {});
  CHECK(to_text(plan_undo(plan, {0, 1, 2})) ==
        "remove network shop_back (taking back what failed)\n"
        "create network shop_back after remove shop_back (taking back what failed)\n"
        "start container shop-web-1 after create shop_back (taking back what failed)\n");
}

TEST_CASE("a changed network that others use stays, and the plan says whose it is") {
  Changed there;
  Container guest = there.observed.containers[0];
  guest.record.name = "guest";
  guest.record.id = "guest-id";
  guest.record.project = "other";
  there.observed.containers.push_back(guest);
  const Plan plan = plan_up(there.stack, there.observed, {});
  REQUIRE(plan.problems.size() == 1);
  CHECK(plan.problems[0].message().find("still in use by guest") != std::string::npos);
}

TEST_CASE("a network of another project is used with a warning, a container that lost one is made anew") {
  Changed there;
  there.observed.networks = {record(defined("shop_back"), "other")};
  CHECK(plan_up(there.stack, there.observed, {}).warnings.size() == 1);
  there.observed.containers[0].record.config.attachments.clear();
  CHECK(up(there.stack, there.observed)
            .starts_with("recreate container shop-web-1 (is not connected to network shop_back any more)\n"));
}

TEST_CASE("interfaces are named by priority and wish, and keep their names while the container runs") {
  const auto attachments = in_order({on("b"), on("a"), on("c", 9)});
  const std::vector<std::string> prefixes = {"eth", "eth", "net"};
  CHECK(*interface_names(attachments, prefixes, {}) == std::vector<std::string>{"eth0", "eth1", "net0"});
  const EndpointState there{.network = "b", .interface = "eth0"};
  CHECK(*interface_names(attachments, prefixes, {there}) == std::vector<std::string>{"eth1", "eth2", "eth0"});
  auto wishes = attachments;
  wishes[0].interface_name = wishes[1].interface_name = "front";
  CHECK_FALSE(interface_names(wishes, prefixes, {}).ok());
  wishes[1].interface_name = "eth0";
  CHECK(*interface_names(wishes, prefixes, {}) == std::vector<std::string>{"front", "eth0", "net0"});
}

TEST_CASE("the default route is the higher gw_priority's, then the first name's") {
  CHECK(routes_before(on("z", 0, 1), on("a")));
  CHECK(routes_before(on("a"), on("b", 100)));
  CHECK_FALSE(routes_before(on("b"), on("a")));
}

TEST_CASE("options of endpoints are understood or named") {
  EndpointOptions good = read_endpoint_options(
      {{"com.docker.network.endpoint.sysctls", "net.ipv4.conf.IFNAME.forwarding=1, net.ipv6.conf.IFNAME.accept_ra=0"}});
  REQUIRE(good.errors.empty());
  CHECK(good.sysctls[0] == std::pair<std::string, std::string>("ipv4/conf/IFNAME/forwarding", "1"));
  CHECK(good.sysctls.size() == 2);
  for (const char* bad : {"net.ipv4.ip_forward=1", "kernel.core_pattern=x", "net.ipv4.conf.IFNAME/../x=1",
                          "net.ipv4..conf.IFNAME.x=1", "net.ipv4.conf.IFNAME.x"}) {
    CHECK(read_endpoint_options({{"com.docker.network.endpoint.sysctls", bad}}).errors.size() == 1);
  }
  CHECK(read_endpoint_options({{"com.docker.network.endpoint.sysctl", "x"}}).warnings.at(0).find("did you mean") !=
        std::string::npos);
}

TEST_CASE("drivers and their options are understood or named") {
  NetworkConfig config = defined("n", "1400");
  config.driver = "macvlan";
  config.options["parent"] = "eth0.50";
  config.options["macvlan_mode"] = "private";
  CHECK(read_driver(config).errors.empty());
  CHECK(read_driver(config).spec.driver == netns::Driver::macvlan);
  CHECK(read_driver(config).spec.parent.interface == "eth0.50");
  config.options["com.docker.network.bridge.enable_icc"] = "true";
  CHECK(read_driver(config).warnings.size() == 1);
  config.driver = "macvlam";
  CHECK(read_driver(config).errors.at(0).hint == "did you mean \"macvlan\"?");
  CHECK(read_driver(defined("n", "67")).errors.size() == 1);
  CHECK(read_driver(defined("../n")).errors.size() == 1);
}
