#include "netns/nft_render.h"

#include "lab.h"

using namespace berth::netns;

namespace {

size_t lines_with(const std::string& text, const std::string& word) {
  size_t count = 0;
  for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++count;
  return count;
}

const PortSpec kWeb{.host_port = 8080, .container = {lab::ip("10.1.2.3")}, .container_port = 80};

}  // namespace

TEST_CASE("a network is an element of each set it belongs to") {
  NetworkSpec net = lab::network("shop", "10.1.2.0/24");
  CHECK(render_add_network("t", net) ==
        "add element inet t bridges { \"br-0a0102000a01\" }\n"
        "add element inet t same { \"br-0a0102000a01\" . \"br-0a0102000a01\" }\n"
        "add element inet t subnets { 10.1.2.0/24 }\n"
        "add element inet t homes { 10.1.2.0/24 . \"br-0a0102000a01\" }\n");
  net.internal = true;
  net.icc = false;
  CHECK(render_remove_network("t", net) ==
        "delete element inet t bridges { \"br-0a0102000a01\" }\n"
        "delete element inet t same { \"br-0a0102000a01\" . \"br-0a0102000a01\" }\n"
        "delete element inet t closed { \"br-0a0102000a01\" }\n"
        "delete element inet t internal { \"br-0a0102000a01\" }\n");
}

TEST_CASE("a port is one element, and none where only the proxy can serve it") {
  PortSpec port = kWeb;
  CHECK(render_publish("t", {port}) == "add element inet t any_ports { tcp . 8080 : 10.1.2.3 . 80 }\n");
  port.host_ip = Address::parse("192.0.2.1");
  port.protocol = Protocol::udp;
  CHECK(render_unpublish("t", {port}) == "delete element inet t ip_ports { 192.0.2.1 . udp . 8080 : 10.1.2.3 . 80 }\n");
  for (const char* proxied : {"127.0.0.1", "::1", "::", "fd00::1"}) {
    port.host_ip = Address::parse(proxied);
    CHECK(render_publish("t", {port}).empty());
  }
}

TEST_CASE("the number of rules does not depend on networks and ports") {
  const FirewallState one{{lab::network("a", "10.1.2.0/24")}, {kWeb}};
  FirewallState many;
  for (uint32_t i = 0; i < 200; ++i) {
    many.networks.push_back(lab::network("n", fmt::format("10.{}.0.0/24", i).c_str()));
    PortSpec port = kWeb;
    port.host_port = static_cast<uint16_t>(9000 + i);
    many.ports.push_back(port);
  }
  const auto rules = [](const std::string& text) { return text.substr(0, text.find("add element")); };
  CHECK(rules(render_replace("t", one)) == rules(render_replace("t", many)));
  CHECK(lines_with(render_replace("t", many), "any_ports {") == 201);
  CHECK(render_replace("t", {}) == "add table inet t\ndelete table inet t\n");
}
