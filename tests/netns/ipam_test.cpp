#include "netns/ipam.h"

#include "lab.h"

using namespace berth::netns;

namespace {

Subnet subnet(const char* text) {
  return Subnet::parse(text).value();
}

Occupied taken(const char* block, Occupied::Kind kind = Occupied::Kind::network) {
  return {subnet(block), kind, "network other"};
}

}  // namespace

TEST_CASE("addresses and subnets read what they write and nothing else") {
  CHECK(subnet("172.18.0.9/24").str() == "172.18.0.0/24");
  CHECK(subnet("0.0.0.0/0").contains(lab::ip("255.255.255.255")));
  CHECK(subnet("10.0.0.0/8").overlaps(subnet("10.200.0.0/16")));
  CHECK_FALSE(subnet("10.0.0.0/9").overlaps(subnet("10.128.0.0/9")));
  for (const char* wrong :
       {"10.0.0.0", "10.0.0.0/33", "fd00::/129", "10.0.0/24", "10.0.0.0/-1", "x/8", "10.0.0.0/", "010.0.0.0/8"}) {
    CHECK_FALSE(Subnet::parse(wrong));
  }
  CHECK(Address::parse("::1")->loopback());
  CHECK(Address::parse("fd00::2")->str() == "fd00::2");
  CHECK(Mac::of(lab::ip("172.18.0.2")).str() == "02:42:ac:12:00:02");
  CHECK(Mac::parse("02:42:AC:12:00:02") == Mac::of(lab::ip("172.18.0.2")));
  CHECK(subnet("fd00:1:2:3::9/64").str() == "fd00:1:2:3::/64");
  CHECK(subnet("::/0").contains(lab::ip("fd00::1")));
  CHECK_FALSE(subnet("::/0").contains(lab::ip("10.0.0.1")));
  CHECK(subnet("fd00::/8").last().str() == "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
  CHECK(Mac::of(lab::ip("fd00::a:2")).str() == "02:42:00:0a:00:02");
  CHECK_FALSE(Mac::parse("02:42:ac:12:00"));
  CHECK_FALSE(Mac::parse("02:42:ac:12:00:0g"));
}

TEST_CASE("the first free block is chosen, past whatever is in the way") {
  const auto pools = default_pools();
  CHECK(plan_addresses({}, pools, {})->subnet == subnet("172.18.0.0/22"));
  CHECK(plan_addresses({}, pools, {})->gateway == lab::ip("172.18.0.1"));
  CHECK(plan_addresses({}, pools, {taken("172.18.0.0/22"), taken("172.18.5.128/25")})->subnet ==
        subnet("172.18.8.0/22"));
  CHECK(plan_addresses({}, pools, {taken("172.0.0.0/8", Occupied::Kind::host_route)})->subnet ==
        subnet("192.168.0.0/24"));
  const auto full = plan_addresses({}, pools, {taken("128.0.0.0/1", Occupied::Kind::host_route)});
  REQUIRE_FALSE(full.ok());
  CHECK(full.error().what.find("no free subnet") != std::string::npos);
}

TEST_CASE("a thousand networks find their blocks") {
  std::vector<Occupied> occupied;
  for (int i = 0; i < 1000; ++i) {
    const auto plan = plan_addresses({}, default_pools(), occupied);
    REQUIRE(plan.ok());
    occupied.insert(occupied.begin(), {plan->subnet, Occupied::Kind::network, "n"});
  }
  CHECK(occupied.front().subnet.prefix == 24);
}

TEST_CASE("an explicit subnet may lie in a route, but not on a network or an address of the host") {
  const AddressRequest request{.subnet = subnet("10.1.0.0/16")};
  CHECK(plan_addresses(request, {}, {taken("10.0.0.0/8", Occupied::Kind::host_route)}).ok());
  const auto clash = plan_addresses(request, {}, {taken("10.1.2.0/24")});
  REQUIRE_FALSE(clash.ok());
  CHECK(clash.error().what == "subnet 10.1.0.0/16 overlaps network other (10.1.2.0/24)");
  CHECK_FALSE(plan_addresses(request, {}, {taken("10.1.2.0/24", Occupied::Kind::host_address)}).ok());
}

TEST_CASE("what does not fit into the subnet is refused by name") {
  const Subnet block = subnet("10.1.2.0/24");
  const auto error = [](const AddressRequest& request) { return plan_addresses(request, {}, {}).error().what; };
  CHECK(error({.subnet = block, .gateway = lab::ip("10.1.3.1")}) ==
        "gateway 10.1.3.1 is not an address of subnet 10.1.2.0/24");
  CHECK(error({.subnet = block, .gateway = lab::ip("10.1.2.255")}).find("gateway") == 0);
  CHECK(error({.subnet = block, .ip_range = subnet("10.1.0.0/16")}).find("ip_range") == 0);
  CHECK(error({.subnet = block, .aux = {{"router", lab::ip("10.9.9.9")}}}).find("aux_addresses.router") == 0);
  CHECK(error({.subnet = subnet("10.1.2.0/31")}).find("no room") != std::string::npos);
  CHECK(error({.gateway = lab::ip("10.1.3.1")}).find("needs a subnet") != std::string::npos);
  CHECK(plan_addresses({.subnet = block, .aux = {{"router", lab::ip("10.1.2.1")}}}, {}, {})->gateway ==
        lab::ip("10.1.2.2"));
}

TEST_CASE("addresses are given in turn, not the lowest free one") {
  AddressBlock net = lab::network("n", "10.1.2.0/29").blocks.front();  // .1 is the gateway, .2 to .6 are for containers
  net.aux = {{"printer", lab::ip("10.1.2.3")}};
  CHECK(choose_address(net, {}, {}).value() == lab::ip("10.1.2.2"));
  CHECK(choose_address(net, {}, lab::ip("10.1.2.2")).value() == lab::ip("10.1.2.4"));
  CHECK(choose_address(net, {}, lab::ip("10.1.2.6")).value() == lab::ip("10.1.2.2"));
  CHECK(choose_address(net, {lab::ip("10.1.2.2"), lab::ip("10.1.2.4"), lab::ip("10.1.2.5")}, lab::ip("10.1.2.6"))
            .value() == lab::ip("10.1.2.6"));
  const std::vector<Address> all = {lab::ip("10.1.2.2"), lab::ip("10.1.2.4"), lab::ip("10.1.2.5"), lab::ip("10.1.2.6")};
  CHECK_FALSE(choose_address(net, all, {}).ok());
  net.ip_range = subnet("10.1.2.4/30");
  CHECK(choose_address(net, {}, {}).value() == lab::ip("10.1.2.4"));
}

TEST_CASE("IPv6 blocks are cut out of a prefix that is the root's own, and addresses are given as with IPv4") {
  const Pool pool = unique_local_pool("machine/root");
  CHECK(pool == unique_local_pool("machine/root"));
  CHECK_FALSE(pool == unique_local_pool("machine/other"));
  CHECK(subnet("fd00::/8").contains(pool.base));
  CHECK(pool.base.prefix == 48);
  const AddressBlock first = plan_addresses({}, {pool}, {}).value();
  CHECK(first.subnet == Subnet::of(pool.base.base, 64));
  CHECK(first.gateway == first.subnet.at(1));
  const AddressBlock second =
      plan_addresses({}, {pool}, {{first.subnet, Occupied::Kind::network, "first"}, taken("172.18.0.0/22")}).value();
  CHECK(second.subnet == Subnet::of(pool.base.at(AddressBits{1} << 64), 64));
  CHECK(choose_address(first, {}, {}).value() == first.subnet.at(2));
  CHECK(choose_address(first, {}, first.subnet.last()).value() == first.subnet.at(2));
  CHECK(check_address(first, first.subnet.last(), {}).ok());  // there is no broadcast address
  CHECK_FALSE(check_address(first, first.subnet.base, {}).ok());
}

TEST_CASE("an explicit IPv6 subnet is checked as one of IPv4 is") {
  const auto error = [](const AddressRequest& request) {
    return plan_addresses(request, {}, {taken("fd00:1::/48")}).error().what;
  };
  CHECK(error({.subnet = subnet("fd00:1:0:7::/64")}) == "subnet fd00:1:0:7::/64 overlaps network other (fd00:1::/48)");
  CHECK(error({.subnet = subnet("fe80::/64")}).find("link-local") != std::string::npos);
  CHECK(error({.subnet = subnet("fd00:2::/127")}).find("no room") != std::string::npos);
  CHECK(error({.subnet = subnet("fd00:2::/64"), .gateway = lab::ip("10.0.0.1")}).find("gateway 10.0.0.1") == 0);
  CHECK(plan_addresses({.subnet = subnet("fd00:2::/64"), .ip_range = subnet("fd00:2::a000/116")}, {}, {}).ok());
}

TEST_CASE("an address the user asked for is checked") {
  const AddressBlock net = lab::network("n", "10.1.2.0/24").blocks.front();
  CHECK(check_address(net, lab::ip("10.1.2.77"), {}).ok());
  CHECK_FALSE(check_address(net, lab::ip("10.1.2.77"), {lab::ip("10.1.2.77")}).ok());
  CHECK_FALSE(check_address(net, lab::ip("10.1.3.77"), {}).ok());
  CHECK_FALSE(check_address(net, net.gateway, {}).ok());
}

TEST_CASE("the host's addresses and routes are seen") {
  if (!lab::can_run()) return;
  const auto a = lab::make_host();
  const auto b = lab::make_host();
  lab::connect(a, lab::ip("172.18.0.1"), b, lab::ip("172.18.0.2"));
  lab::in(a, [&]() -> berth::Status {
    BERTH_TRY(const auto occupied, observe_host_prefixes());
    BERTH_TRY(const auto plan, plan_addresses({}, default_pools(), occupied));
    CHECK(plan.subnet == subnet("172.18.4.0/22"));
    BERTH_TRY(const auto without, observe_host_prefixes({"eth0"}));
    CHECK(plan_addresses({}, default_pools(), without)->subnet == subnet("172.18.0.0/22"));
    return {};
  });
}

TEST_CASE("a network that cannot be is refused by field") {
  NetworkSpec net = lab::network("shop_default", "10.1.2.0/24");
  CHECK(validate(net).ok());
  net.bridge = "br\"; flush ruleset; \"";
  CHECK_FALSE(validate(net).ok());
  net.bridge = "a-name-of-16-byte";
  CHECK(validate(net).error().what.find("network shop_default: 'a-name") == 0);
  net = lab::network("twice", "10.1.2.0/24", "10.1.3.0/24");
  CHECK(validate(net).error().what.find("subnet 10.1.3.0/24 is a second one") != std::string::npos);
  net.blocks.clear();
  CHECK_FALSE(validate(net).ok());
}

TEST_CASE("host interface names fit the kernel and differ") {
  CHECK(host_interface_name("a", "b").size() == 14);
  CHECK(host_interface_name("a", "b") == host_interface_name("a", "b"));
  CHECK(host_interface_name("a", "b") != host_interface_name("a", "c"));
  CHECK(host_interface_name("ab", "c") != host_interface_name("a", "bc"));
}
