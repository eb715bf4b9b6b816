#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <fstream>

#include "lab.h"
#include "loop.h"
#include "netns/dns_message.h"
#include "netns/dns_server.h"
#include "netns/resolv_conf.h"
#include "tests/support/temp_dir.h"

using namespace berth;
using namespace berth::netns;

namespace {

std::string question(const std::string& name, uint16_t type, uint16_t id = 0x1234) {
  std::string out{static_cast<char>(id >> 8), static_cast<char>(id), 1, 0, 0, 1, 0, 0, 0, 0, 0, 0};
  size_t from = 0;
  while (from < name.size()) {
    const size_t dot = std::min(name.find('.', from), name.size());
    out += static_cast<char>(dot - from);
    out += name.substr(from, dot - from);
    from = dot + 1;
  }
  out += '\0';
  return out + std::string{static_cast<char>(type >> 8), static_cast<char>(type), 0, 1};
}

std::string framed(const std::string& message) {
  return std::string{static_cast<char>(message.size() >> 8), static_cast<char>(message.size())} + message;
}

dns::Bytes bytes(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

/// "NOERROR 10.0.0.2 10.0.0.3": code, then every A record, sorted; "TC" if cut; "" for no answer.
std::string read_answer(const std::string& message) {
  if (message.size() < dns::kHeaderSize) return "";
  const dns::Bytes data = bytes(message);
  static const std::array<const char*, 6> kCodes = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"};
  std::string out = kCodes.at(dns::message_rcode(data));
  if (dns::message_truncated(data)) out += " TC";
  size_t at = dns::kHeaderSize;
  dns::Name name;
  if (data[5] == 1) {
    REQUIRE(dns::read_name(data, at, name));
    at += 4;
  }
  std::vector<std::string> found;
  for (int left = data[6] << 8 | data[7]; left > 0; --left) {
    REQUIRE(dns::read_name(data, at, name));
    const int type = data[at] << 8 | data[at + 1];
    const auto length = static_cast<size_t>(data[at + 8] << 8 | data[at + 9]);
    at += 10;
    size_t inside = at;
    if (type == dns::kA) found.push_back(Address{false, {data[at], data[at + 1], data[at + 2], data[at + 3]}}.str());
    if (type == dns::kPtr && dns::read_name(data, inside, name)) found.emplace_back(name.text());
    at += length;
  }
  std::ranges::sort(found);
  for (const std::string& text : found) out += " " + text;
  return out;
}

Address address(const char* text) {
  return Address::parse(text).value();
}

void fill(Zone& zone) {
  zone.add_network("front", "shop_default", {Subnet::parse("10.91.1.0/24").value()});
  zone.add_network("other", "other_default", {Subnet::parse("10.92.1.0/24").value()});
  zone.declare("shop", {"web", "db", "worker"});
  zone.add_endpoint("front", {"c1",
                              {"web", "shop-web-1", "WWW.Example", "bad..name", std::string(70, 'x')},
                              "shop-web-1",
                              {address("10.91.1.2")}});
  zone.add_endpoint("front", {"c2", {"web", "shop-web-2"}, "shop-web-2", {address("10.91.1.3")}});
  zone.add_endpoint("other", {"c3", {"secret"}, "other-secret-1", {address("10.92.1.2")}});
}

const ZoneView kView{.scope = "shop", .networks = {"front"}};

/// An upstream server on 127.0.0.1 (or another address) of a namespace: answers every A question with 203.0.113.7, is
/// silent for "silent.test", refuses "refused.test" and sends a false id first for "spoofed.test".
class Upstream {
 public:
  Upstream(const sys::Netns& where, const std::string& ip, uint16_t port) {
    lab::in(where, [&]() -> Status {
      sockaddr_in to{.sin_family = AF_INET, .sin_port = htons(port)};
      to.sin_addr.s_addr = htonl(static_cast<uint32_t>(lab::ip(ip.c_str()).bits()));
      udp_.reset(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
      tcp_.reset(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      REQUIRE(bind(udp_.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
      REQUIRE(bind(tcp_.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
      REQUIRE(listen(tcp_.get(), 8) == 0);
      return {};
    });
    thread_ = std::thread([this] { serve(); });
  }
  ~Upstream() {
    stop_ = true;
    thread_.join();
  }
  Upstream(const Upstream&) = delete;
  Upstream& operator=(const Upstream&) = delete;
  std::atomic<int> seen{0};

 private:
  std::string reply(const std::string& query) {
    ++seen;
    dns::Query parsed;
    if (dns::parse_query(bytes(query), parsed) != dns::Verdict::ok) return "";
    if (parsed.name.text() == "silent.test") return "";
    std::string out(2048, '\0');
    const std::span<uint8_t> room(reinterpret_cast<uint8_t*>(out.data()), out.size());
    dns::AnswerWriter writer(room, bytes(query), parsed, out.size());
    writer.add_address(address("203.0.113.7"), 60);
    out.resize(writer.finish(parsed.name.text() == "refused.test" ? dns::kRefused : dns::kNoError, false));
    return out;
  }

  void serve() {
    while (!stop_) {
      std::array<pollfd, 2> wait{pollfd{udp_.get(), POLLIN, 0}, pollfd{tcp_.get(), POLLIN, 0}};
      if (poll(wait.data(), 2, 20) <= 0) continue;
      std::string buffer(2048, '\0');
      sockaddr_storage peer{};
      socklen_t size = sizeof peer;
      if (wait[0].revents != 0) {
        const ssize_t got =
            recvfrom(udp_.get(), buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&peer), &size);
        buffer.resize(got > 0 ? static_cast<size_t>(got) : 0);
        std::string answer = reply(buffer);
        if (answer.empty()) continue;
        if (buffer.find("spoofed") != std::string::npos) {
          std::string lie = answer;
          lie[0] = static_cast<char>(lie[0] ^ 0x55);
          lie[lie.size() - 1] = 66;
          (void)sendto(udp_.get(), lie.data(), lie.size(), 0, reinterpret_cast<sockaddr*>(&peer), size);
        }
        (void)sendto(udp_.get(), answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&peer), size);
      }
      if (wait[1].revents != 0) {
        const sys::UniqueFd client(accept(tcp_.get(), nullptr, nullptr));
        const ssize_t got = recv(client.get(), buffer.data(), buffer.size(), 0);
        if (got <= 2) continue;
        buffer.resize(static_cast<size_t>(got));
        const std::string answer = framed(reply(buffer.substr(2)));
        (void)send(client.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
      }
    }
  }

  sys::UniqueFd udp_, tcp_;
  std::thread thread_;
  std::atomic<bool> stop_{false};
};

/// A host with a container whose DNS is served, the zone of fill(), and a resolv.conf to write.
struct Service {
  sys::Netns host = lab::make_host();
  test::TempDir dir;
  Zone zone;
  NetworkSpec net = lab::network("shop_default", "10.91.1.0/24");
  Sandbox box;
  lab::Loop loop{host};
  std::unique_ptr<DnsServer> server;

  explicit Service(DnsView view = {.zone = kView}) {
    fill(zone);
    resolv_conf("nameserver 127.0.0.53\n");
    lab::in(host, [&]() -> Status {
      BERTH_TRY_OK(create_bridge(net));
      BERTH_TRY(box, create_sandbox(lab::sandbox(net, "10.91.1.2")));
      return {};
    });
    DnsConfig config{.resolv_conf = dir.path() + "/resolv.conf"};
    config.limits.hedge = std::chrono::milliseconds(50);
    config.limits.give_up = std::chrono::milliseconds(400);
    loop.call([&] {
      server = std::make_unique<DnsServer>(loop.io, zone, config);
      CHECK(server->add_listener("c1", std::move(box.dns_udp), std::move(box.dns_tcp), std::move(view)).ok());
    });
  }
  ~Service() {
    loop.call([&] { server.reset(); });
  }

  void resolv_conf(const std::string& text) { std::ofstream(dir.path() + "/resolv.conf") << text; }
  std::string ask(const std::string& name, uint16_t type = dns::kA) {
    return read_answer(lab::ask_udp(box.netns, question(name, type)));
  }
};

}  // namespace

TEST_CASE("queries are read, and what is none is told apart") {
  dns::Query query;
  const std::string good = question("Web.Example", dns::kA);
  REQUIRE(dns::parse_query(bytes(good), query) == dns::Verdict::ok);
  CHECK(query.name.text() == "web.example");
  CHECK(query.id == 0x1234);
  CHECK(query.question_end == good.size());
  CHECK(dns::parse_query(bytes("short"), query) == dns::Verdict::drop);
  std::string response = good;
  response[2] = static_cast<char>(0x81);
  CHECK(dns::parse_query(bytes(response), query) == dns::Verdict::drop);
  std::string update = good;
  update[2] = 0x28;
  CHECK(dns::parse_query(bytes(update), query) == dns::Verdict::not_implemented);
  for (size_t cut = dns::kHeaderSize; cut < good.size(); ++cut) {
    CHECK(dns::parse_query(bytes(good.substr(0, cut)), query) == dns::Verdict::format_error);
  }
}

TEST_CASE("hostile names end in an error and in time") {
  dns::Query query;
  const std::string head("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00", 12);
  const auto verdict = [&](const std::string& rest) { return dns::parse_query(bytes(head + rest), query); };
  const std::string tail("\x00\x01\x00\x01", 4);
  CHECK(verdict(std::string("\xc0\x0c", 2) + tail) == dns::Verdict::format_error);  // points to itself
  CHECK(verdict(std::string("\x01"
                            "a"
                            "\xc0\x0c",
                            4) +
                tail) == dns::Verdict::format_error);                               // goes round
  CHECK(verdict(std::string("\xc0\x00", 2) + tail) == dns::Verdict::format_error);  // into the header
  CHECK(verdict("\x41" + std::string(65, 'a') + std::string(1, '\0') + tail) == dns::Verdict::format_error);
  std::string longest;
  for (int i = 0; i < 5; ++i) longest += "\x3f" + std::string(63, 'a');
  CHECK(verdict(longest + std::string(1, '\0') + tail) == dns::Verdict::format_error);
}

TEST_CASE("an answer that does not fit is cut between records and keeps its OPT") {
  std::string message = question("web", dns::kA);
  message[11] = 1;
  message += std::string("\x00\x00\x29\x02\x00\x00\x00\x00\x00\x00\x00", 11);
  dns::Query query;
  REQUIRE(dns::parse_query(bytes(message), query) == dns::Verdict::ok);
  CHECK(query.edns);
  std::array<uint8_t, 1232> out{};
  dns::AnswerWriter writer(out, bytes(message), query, query.udp_size);
  for (int i = 0; i < 100; ++i) writer.add_address(address("10.0.0.1"), 0);
  const size_t size = writer.finish(dns::kNoError, true);
  CHECK(size <= 512);
  const std::string text(reinterpret_cast<const char*>(out.data()), size);
  CHECK(read_answer(text).starts_with("NOERROR TC 10.0.0.1"));
  CHECK(out[11] == 1);
  CHECK(dns::answers_question(bytes(text), 0x1234, bytes(message), query));
  CHECK_FALSE(dns::answers_question(bytes(text), 0x1235, bytes(message), query));
  CHECK_FALSE(dns::answers_question(bytes(message), 0x1234, bytes(message), query));
}

TEST_CASE("reverse names stand for addresses") {
  Address out;
  REQUIRE(dns::parse_reverse_name("2.1.91.10.in-addr.arpa", out));
  CHECK(out == address("10.91.1.2"));
  REQUIRE(dns::parse_reverse_name("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa", out));
  CHECK(out == address("fd00::1"));
  for (const char* wrong : {"1.91.10.in-addr.arpa", "256.1.91.10.in-addr.arpa", "..1.2.in-addr.arpa",
                            "1.2.3.4.5.in-addr.arpa", "ip6.arpa", ""}) {
    CHECK_FALSE(dns::parse_reverse_name(wrong, out));
  }
}

TEST_CASE("the zone answers per network, follows replicas, and keeps declared names to itself") {
  Zone zone;
  fill(zone);
  CHECK(zone.find(kView, "web").addresses.size() == 2);
  CHECK(zone.find(kView, "www.example").addresses.size() == 1);
  CHECK(zone.find(kView, "web.shop_default").addresses.size() == 2);
  CHECK(zone.find(kView, "db").found == Zone::Found::no_data);  // declared, stopped
  CHECK(zone.find(kView, "db.shop_default").found == Zone::Found::no_data);
  CHECK(zone.find(kView, "nobody.shop_default").found == Zone::Found::no_name);
  CHECK(zone.find(kView, "secret").found == Zone::Found::foreign);  // another network's
  zone.remove_endpoint("front", "c1");
  CHECK(zone.find(kView, "web").addresses.size() == 1);
  zone.add_endpoint("front",
                    {"c4", {"web"}, "shop-web-4", {address("10.91.1.3")}});  // replaces c2, which is still there
  zone.remove_endpoint("front", "c2");
  REQUIRE(zone.find(kView, "web").addresses.size() == 1);
  CHECK(zone.find_pointer(kView, address("10.91.1.3")).name == "shop-web-4");
  zone.remove_endpoint("front", "c4");
  CHECK(zone.find(kView, "web").found == Zone::Found::no_data);
  zone.undeclare("shop");
  CHECK(zone.find(kView, "web").found == Zone::Found::foreign);
  CHECK(zone.find_pointer(kView, address("10.92.1.77")).found == Zone::Found::no_name);
  CHECK(zone.find_pointer(kView, address("8.8.8.8")).found == Zone::Found::foreign);
}

TEST_CASE("resolv.conf is read with its comments and written with ndots") {
  const auto conf =
      parse_resolv_conf("# x\nnameserver 10.0.0.1 ; y\nnameserver nonsense\nsearch a b\noptions edns0\nwhat ever\n");
  CHECK(conf.nameservers == std::vector<Address>{address("10.0.0.1")});
  CHECK(conf.search == std::vector<std::string>{"a", "b"});
  CHECK(render_container_resolv_conf({"a"}, {"edns0"}) == "nameserver 127.0.0.11\nsearch a\noptions edns0 ndots:0\n");
  CHECK(render_container_resolv_conf({}, {"ndots:2"}) == "nameserver 127.0.0.11\noptions ndots:2\n");
}

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
