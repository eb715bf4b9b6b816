#include "dns_lab.h"

using namespace dns_lab;

TEST_CASE("a container's names are answered at 127.0.0.11 over UDP and TCP") {
  if (!lab::can_run()) return;
  Service service;
  CHECK(service.ask("WEB") == "NOERROR 10.91.1.2 10.91.1.3");
  CHECK(service.ask("shop-web-2") == "NOERROR 10.91.1.3");
  CHECK(service.ask("web", dns::kAaaa) == "NOERROR");
  CHECK(service.ask("web", 65) == "NOERROR");
  CHECK(service.ask("db") == "NOERROR");
  CHECK(service.ask("2.1.91.10.in-addr.arpa", dns::kPtr) == "NOERROR shop-web-1.shop_default");
  CHECK(service.ask("9.1.91.10.in-addr.arpa", dns::kPtr) == "NXDOMAIN");

  // Two queries at once in one connection.
  const std::string both = framed(question("web", dns::kA, 1)) + framed(question("shop-web-2", dns::kA, 2));
  const std::string answers =
      lab::ask_tcp(service.box.netns, both, [](const std::string& text) { return text.size() > 100; });
  const auto first =
      static_cast<size_t>(static_cast<uint8_t>(answers.at(0)) << 8 | static_cast<uint8_t>(answers.at(1)));
  CHECK(read_answer(answers.substr(2, first)) == "NOERROR 10.91.1.2 10.91.1.3");
  CHECK(read_answer(answers.substr(first + 4)) == "NOERROR 10.91.1.3");
  CHECK(
      lab::ask_tcp(service.box.netns, std::string("\x00\x02xy", 4), [](const std::string&) { return false; }).empty());

  service.loop.call([&] { service.zone.remove_endpoint("front", "c2"); });
  CHECK(service.ask("web") == "NOERROR 10.91.1.2");
}

TEST_CASE("other names are asked of the host's servers, past dead and lying ones, and never in silence") {
  if (!lab::can_run()) return;
  Service service;
  {
    const Upstream upstream(service.host, "127.0.0.53", 53);
    CHECK(service.ask("example.org") == "NOERROR 203.0.113.7");
    CHECK(service.ask("spoofed.test") == "NOERROR 203.0.113.7");
    CHECK(service.ask("refused.test") == "REFUSED 203.0.113.7");
    CHECK(service.ask("silent.test") == "SERVFAIL");
    const std::string tcp = lab::ask_tcp(service.box.netns, framed(question("example.org", dns::kA)),
                                         [](const std::string& text) { return text.size() > 20; });
    CHECK(read_answer(tcp.substr(2)) == "NOERROR 203.0.113.7");
    const int before = upstream.seen;
    CHECK(service.ask("db") == "NOERROR");
    CHECK(upstream.seen == before);  // an own name that is stopped leaks to nobody
  }
  CHECK(service.ask("example.org") == "SERVFAIL");
  const Upstream second(service.host, "127.0.0.54", 53);
  service.resolv_conf("nameserver 127.0.0.99\nnameserver 127.0.0.11\nnameserver 127.0.0.54\n");
  CHECK(service.ask("example.org") == "NOERROR 203.0.113.7");
}

TEST_CASE("a container on internal networks only is refused at once, but may have a server of its own inside") {
  if (!lab::can_run()) return;
  Service closed({.zone = kView, .internal_only = true});
  const Upstream host_server(closed.host, "127.0.0.53", 53);
  CHECK(closed.ask("example.org") == "REFUSED");
  CHECK(host_server.seen == 0);
  CHECK(closed.ask("web") == "NOERROR 10.91.1.2 10.91.1.3");

  Sandbox resolver;
  lab::in(closed.host, [&]() -> Status {
    BERTH_TRY(resolver, create_sandbox(lab::sandbox(closed.net, "10.91.1.9")));
    return {};
  });
  const Upstream inside(resolver.netns, "10.91.1.9", 53);
  auto own = std::make_shared<sys::Netns>(sys::UniqueFd(dup(closed.box.netns.fd().get())));
  closed.loop.call([&] {
    DnsView view{.zone = kView, .internal_only = true, .upstreams = {address("10.91.1.9")}, .netns = own};
    CHECK(closed.server->set_view("c1", view).ok());
  });
  CHECK(closed.ask("example.org") == "NOERROR 203.0.113.7");
  CHECK(host_server.seen == 0);
}

TEST_CASE("names are answered beside a DNS server of the container's own on port 53") {
  if (!lab::can_run()) return;
  Service service;
  const lab::Greeter own(service.box.netns, 53, "own");  // on 0.0.0.0, UDP and TCP
  CHECK(service.ask("shop-web-2") == "NOERROR 10.91.1.3");
  CHECK(lab::greet_udp(service.host, "10.91.1.2", 53) == "own from 10.91.1.1");
  CHECK(lab::greet_tcp(service.host, "10.91.1.2", 53) == "own from 10.91.1.1");
  CHECK(lab::greet_udp(service.box.netns, "127.0.0.1", 53) == "own from 127.0.0.1");
}

TEST_CASE("more replicas than a datagram holds come cut over UDP, and all of them over TCP") {
  if (!lab::can_run()) return;
  Service service;
  service.loop.call([&] {
    for (uint32_t i = 0; i < 250; ++i) {
      const Address replica = Address::of(false, lab::ip("10.91.1.4").bits() + i);
      service.zone.add_endpoint("front", {fmt::format("many{}", i), {"many"}, "", {replica}});
    }
  });
  const auto words = [](const std::string& text) { return std::ranges::count(text, ' '); };
  const std::string cut = service.ask("many");
  CHECK(cut.starts_with("NOERROR TC 10.91.1."));
  CHECK(words(cut) == 1 + (512 - 22) / 16);
  std::string roomy = question("many", dns::kA);
  roomy[11] = 1;
  roomy += std::string("\x00\x00\x29\x10\x00\x00\x00\x00\x00\x00\x00", 11);
  const std::string larger = lab::ask_udp(service.box.netns, roomy);
  CHECK(larger.size() > 1200);
  CHECK(larger.size() <= dns::kOurUdpSize);
  const std::string whole = lab::ask_tcp(service.box.netns, framed(question("many", dns::kA)),
                                         [](const std::string& text) { return text.size() > 250 * 16; });
  CHECK(words(read_answer(whole.substr(2))) == 250);
}

TEST_CASE("replicas come in any order") {
  if (!lab::can_run()) return;
  Service service;
  std::set<char> first;  // the last byte of the first address
  for (int tries = 0; tries < 200 && first.size() < 2; ++tries)
    first.insert(lab::ask_udp(service.box.netns, question("web", dns::kA)).at(12 + 9 + 12 + 3));
  CHECK(first == std::set<char>{2, 3});
}

TEST_CASE("a version of EDNS that nobody has made yet is refused as such") {
  if (!lab::can_run()) return;
  Service service;
  std::string message = question("web", dns::kA);
  message[11] = 1;
  message += std::string("\x00\x00\x29\x04\xd0\x00\x01\x00\x00\x00\x00", 11);
  const std::string answer = lab::ask_udp(service.box.netns, message);
  REQUIRE(answer.size() == message.size());
  CHECK(read_answer(answer) == "NOERROR");  // the lower four bits of BADVERS
  CHECK(answer[answer.size() - 6] == 1);    // the upper eight
}

TEST_CASE("a server that does not answer is asked last from then on, and holds nobody up") {
  if (!lab::can_run()) return;
  Service service;
  const Upstream dead(service.host, "127.0.0.53", 53, true);
  const Upstream alive(service.host, "127.0.0.54", 53);
  service.resolv_conf("nameserver 127.0.0.53\nnameserver 127.0.0.54\n");
  for (int i = 0; i < 20; ++i) CHECK(service.ask("example.org") == "NOERROR 203.0.113.7");
  CHECK(dead.seen == 1);
  CHECK(alive.ports().size() > 10);  // each query from a port of its own

  std::thread waiting([&] { CHECK(service.ask("silent.test") == "SERVFAIL"); });
  for (int i = 0; i < 5; ++i) CHECK(service.ask("web") == "NOERROR 10.91.1.2 10.91.1.3");
  CHECK(service.ask("other.example.org") == "NOERROR 203.0.113.7");
  waiting.join();
}

TEST_CASE("a forwarded question keeps its letters") {
  if (!lab::can_run()) return;
  Service service;
  const Upstream upstream(service.host, "127.0.0.53", 53);
  const std::string asked = question("ExAmPlE.oRg", dns::kA);
  CHECK(lab::ask_udp(service.box.netns, asked).substr(12, asked.size() - 12) == asked.substr(12));
}

TEST_CASE("clients that hold connections open or send garbage disturb nobody else") {
  if (!lab::can_run()) return;
  Service service;
  Sandbox other;
  lab::in(service.host, [&]() -> Status {
    BERTH_TRY(other, create_sandbox(lab::sandbox(service.net, "10.91.1.3")));
    return {};
  });
  service.loop.call([&] {
    CHECK(service.server->add_listener("c2", std::move(other.dns_udp), std::move(other.dns_tcp), {.zone = kView}).ok());
  });
  std::vector<sys::UniqueFd> held;
  lab::in(service.box.netns, [&]() -> Status {
    sockaddr_in to{.sin_family = AF_INET, .sin_port = htons(53)};
    to.sin_addr.s_addr = htonl(0x7f00000b);
    for (size_t i = 0; i < 3 * DnsLimits{}.tcp_clients; ++i) {
      held.emplace_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      REQUIRE(connect(held.back().get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
      const std::string part = i % 2 == 0 ? std::string("\x00\x40half of a mess", 16) : std::string(400, '\xff');
      (void)send(held.back().get(), part.data(), part.size(), MSG_NOSIGNAL);
    }
    return {};
  });
  const std::string asked = framed(question("shop-web-2", dns::kA));
  const auto enough = [](const std::string& text) { return text.size() > 20; };
  CHECK(service.ask("shop-web-2") == "NOERROR 10.91.1.3");
  CHECK(read_answer(lab::ask_udp(other.netns, question("shop-web-2", dns::kA))) == "NOERROR 10.91.1.3");
  CHECK(read_answer(lab::ask_tcp(other.netns, asked, enough).substr(2)) == "NOERROR 10.91.1.3");
  // Each of them is closed in the end, and there is room again.
  for (const sys::UniqueFd& fd : held) {
    std::array<char, 512> buffer;
    while (recv(fd.get(), buffer.data(), buffer.size(), 0) > 0) continue;
  }
  CHECK(read_answer(lab::ask_tcp(service.box.netns, asked, enough).substr(2)) == "NOERROR 10.91.1.3");
}

TEST_CASE("while replicas come and go, no answer is wrong") {
  if (!lab::can_run()) return;
  Service service;
  // What was true at some time, the newest last. The zone changes in the same step of the loop.
  std::mutex mutex;
  std::vector<std::string> history = {"NOERROR 10.91.1.2 10.91.1.3"};
  std::atomic<bool> over{false};
  std::thread churn([&] {
    for (int round = 0; round < 400; ++round) {
      service.loop.call([&] {
        const std::lock_guard lock(mutex);
        if (round % 2 == 0) {
          const Address replica = Address::of(false, lab::ip("10.91.1.4").bits() + static_cast<uint32_t>(round) % 6);
          service.zone.add_endpoint("front", {"new", {"web"}, "", {replica}});
          history.push_back("NOERROR 10.91.1.2 10.91.1.3 " + replica.str());
        } else {
          service.zone.remove_endpoint("front", "new");
          history.emplace_back("NOERROR 10.91.1.2 10.91.1.3");
        }
      });
    }
    over = true;
  });
  const auto length = [&] {
    const std::lock_guard lock(mutex);
    return history.size();
  };
  int asked = 0, wrong = 0;
  for (; !over || asked < 200; ++asked) {
    const size_t before = length();
    const std::string answer = service.ask("web");
    const size_t after = length();
    const std::lock_guard lock(mutex);
    const auto first = history.begin() + static_cast<ptrdiff_t>(before) - 1;
    const auto last = history.begin() + static_cast<ptrdiff_t>(after);
    if (std::find(first, last, answer) == last) ++wrong;
  }
  churn.join();
  CHECK(wrong == 0);
}
