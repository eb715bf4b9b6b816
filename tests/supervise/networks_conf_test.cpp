#include "supervise/networks_conf.h"

#include <catch2/catch.hpp>

using namespace berth;
using namespace berth::supervise;

namespace {

Result<AddressPools> parse(const std::string& text) {
  return parse_address_pools(text, "networks.conf", "seed");
}

}  // namespace

TEST_CASE("a family without a pool of its own has the usual ones") {
  const AddressPools usual = parse("").value();
  CHECK(usual.ipv4 == netns::default_pools());
  CHECK(usual.ipv6 == std::vector{netns::unique_local_pool("seed")});
  const AddressPools set = parse("[[address_pool]]\nbase = \"10.64.0.0/10\"\n").value();
  CHECK(set.ipv4 == std::vector{netns::Pool{netns::Subnet::parse("10.64.0.0/10").value(), 24}});
  CHECK(set.ipv6 == usual.ipv6);
  const AddressPools six =
      parse("address_pool = [{base = \"fd00:7::/48\"}, {base = 'fd00:8::/56', size = 60}]").value();
  CHECK(six.ipv4 == usual.ipv4);
  REQUIRE(six.ipv6.size() == 2);
  CHECK(six.ipv6[0].size == 64);
  CHECK(six.ipv6[1].size == 60);
}

TEST_CASE("a mistake in the pools is told with its place") {
  const auto error = [](const std::string& text) { return parse("[[address_pool]]\n" + text).error().full(); };
  CHECK(error("bas = \"10.0.0.0/8\"").find("networks.conf:2:1: unknown key \"bas\"") == 0);
  CHECK(error("size = 24").find("networks.conf:1:1: base: expected a block") == 0);
  CHECK(error("base = \"10.0.0.0\"").find("networks.conf:2:8: base: expected a block") == 0);
  CHECK(error("base = \"10.0.0.0/8\"\nsize = 31").find("networks.conf:3:8: size: expected the length") == 0);
  CHECK(error("base = \"10.0.0.0/8\"\nsize = \"x\"").find("8 to 30") != std::string::npos);
  CHECK(error("base = \"10.0.0.0/26\"").find("is smaller than a network of /24") != std::string::npos);
}
