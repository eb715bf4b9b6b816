#include <thread>

#include "lab.h"
#include "netns/firewall.h"
#include "sys/file.h"

using namespace berth;
using namespace berth::netns;

namespace {

void build(const sys::Netns& host, const NetworkSpec& network) {
  lab::in(host, [&] { return create_bridge(network); });
}

Sandbox make(const sys::Netns& host, const SandboxSpec& spec) {
  Sandbox out;
  lab::in(host, [&]() -> Status {
    BERTH_TRY(out, create_sandbox(spec));
    return {};
  });
  return out;
}

}  // namespace

TEST_CASE("two containers of a bridge talk at once, and nothing is left after teardown") {
  if (!lab::can_run()) return;
  const auto host = lab::make_host();
  const std::string before = lab::leftovers(host);
  const NetworkSpec net = lab::network("shop_default", "172.18.5.0/24");
  build(host, net);
  build(host, net);  // again is fine
  {
    const Sandbox db = make(host, lab::sandbox(net, "172.18.5.2"));
    const Sandbox web = make(host, lab::sandbox(net, "172.18.5.3"));
    CHECK(db.door == DnsDoor::nat);
    const lab::Greeter greeter(db.netns, 80, "db");  // port 80, as any user: checked as far as it binds
    CHECK(lab::greet_tcp(web.netns, "172.18.5.2", 80) == "db from 172.18.5.3");
    CHECK(lab::greet_udp(web.netns, "172.18.5.2", 80) == "db from 172.18.5.3");
    CHECK(lab::greet_udp(host, "172.18.5.2", 80) == "db from 172.18.5.1");
    CHECK(lab::greet_udp(db.netns, "127.0.0.1", 80) == "db from 127.0.0.1");
    lab::in(host, [&]() -> Status {
      BERTH_TRY(const auto links, observe_links());
      REQUIRE(links.size() == 3);
      CHECK(links[0].name == net.bridge);
      CHECK(links[1].master == links[0].index);
      CHECK(links[1].up);
      // The host's sides are ports and nothing else: no IPv6 address of their own.
      CHECK(sys::read_file("/proc/thread-self/net/if_inet6", 1 << 20)->find(" bv") == std::string::npos);
      return remove_links({host_interface_name("c0ffee172.18.5.2", net.id),
                           host_interface_name("c0ffee172.18.5.3", net.id), host_interface_name("never-there", net.id),
                           net.bridge});
    });
  }
  lab::in(host, [&] { return remove_bridge(net.bridge); });
  CHECK(lab::leftovers(host) == before);
}

TEST_CASE("a container may run a DNS server of its own on port 53") {
  if (!lab::can_run()) return;
  const auto host = lab::make_host();
  const Sandbox none = make(host, {});
  const lab::Greeter own(none.netns, 53, "own");
  CHECK(lab::greet_udp(none.netns, "127.0.0.1", 53) == "own from 127.0.0.1");
}

TEST_CASE("a leftover endpoint of the same container is replaced, and a second endpoint connects a running one") {
  if (!lab::can_run()) return;
  const auto host = lab::make_host();
  const NetworkSpec one = lab::network("one", "10.77.1.0/24");
  const NetworkSpec two = lab::network("two", "10.77.2.0/24");
  build(host, one);
  build(host, two);
  const Sandbox crashed = make(host, lab::sandbox(one, "10.77.1.9"));
  const Sandbox again = make(host, lab::sandbox(one, "10.77.1.9"));
  const lab::Greeter greeter(again.netns, 7, "again");
  CHECK(lab::greet_tcp(host, "10.77.1.9", 7) == "again from 10.77.1.1");

  EndpointSpec second = lab::sandbox(two, "10.77.2.9").endpoints.front();
  second.interface = "eth1";
  second.gateways.clear();
  lab::in(host, [&] { return rewire(again.netns.fd(), {.connect = {second}}); });
  CHECK(lab::greet_tcp(host, "10.77.2.9", 7) == "again from 10.77.2.1");
  const Rewiring gone{.host_links = {host_interface_name(second.container_id, second.network_id)}};
  lab::in(host, [&] { return rewire(again.netns.fd(), gone); });
  lab::in(host, [&] { return rewire(again.netns.fd(), gone); });  // Ok if gone
  CHECK(lab::greet_tcp(host, "10.77.2.9", 7).empty());
}

TEST_CASE("fifty sandboxes are made side by side from several threads") {
  if (!lab::can_run()) return;
  const auto host = lab::make_host();
  const NetworkSpec net = lab::network("many", "10.78.0.0/24");
  build(host, net);
  std::vector<Sandbox> made(50);
  lab::in(host, [&]() -> Status {
    const auto start = std::chrono::steady_clock::now();
    const auto work = [&](size_t from) {
      for (size_t i = from; i < made.size(); i += 2) {
        auto result = create_sandbox(lab::sandbox(net, net.blocks.front().subnet.at(2 + i).str().c_str()));
        if (result.ok()) made[i] = std::move(*result);
      }
    };
    std::thread other(work, 1);
    work(0);
    other.join();
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    WARN("50 sandboxes on 2 threads: " << took.count() << " ms");
    return {};
  });
  for (const Sandbox& sandbox : made) CHECK(sandbox.dns_udp.valid());
  const lab::Greeter last(made.back().netns, 9, "last");
  // By TCP, which sends again what a busy machine lost.
  CHECK(lab::greet_tcp(made.front().netns, "10.78.0.51", 9) == "last from 10.78.0.2");
  lab::in(host, [&]() -> Status {
    std::vector<std::string> names;
    BERTH_TRY(const auto links, observe_links());
    CHECK(links.size() == 51);
    for (const auto& link : links) names.push_back(link.name);
    const auto start = std::chrono::steady_clock::now();
    BERTH_TRY_OK(remove_links(names));
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    WARN("removing 51 links: " << took.count() << " ms");
    BERTH_TRY(const auto after, observe_links());
    CHECK(after.empty());
    return {};
  });
}

TEST_CASE("errors of links name the interface") {
  if (!lab::can_run()) return;
  const auto host = lab::make_host();
  const NetworkSpec net = lab::network("gone", "10.79.0.0/24");
  lab::in(host, [&]() -> Status {
    const auto result = create_sandbox(lab::sandbox(net, "10.79.0.2"));
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().message().find(net.bridge) != std::string::npos);
    NetworkSpec lo = net;
    lo.bridge = "lo";
    const Status taken = create_bridge(lo);
    REQUIRE_FALSE(taken.ok());
    CHECK(taken.error().message().find("is no bridge") != std::string::npos);
    return {};
  });
}
