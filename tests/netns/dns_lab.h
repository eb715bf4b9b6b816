#pragma once

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <fstream>
#include <mutex>
#include <set>

#include "lab.h"
#include "loop.h"
#include "netns/dns_message.h"
#include "netns/dns_server.h"
#include "tests/support/temp_dir.h"

// What tests of the resolver share: messages as clients write and read them, servers of the world, a container whose
// names are answered.
namespace dns_lab {

using namespace berth;
using namespace berth::netns;

inline std::string question(const std::string& name, uint16_t type, uint16_t id = 0x1234) {
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

inline std::string framed(const std::string& message) {
  return std::string{static_cast<char>(message.size() >> 8), static_cast<char>(message.size())} + message;
}

inline dns::Bytes bytes(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

/// "NOERROR 10.0.0.2 10.0.0.3": code, then every A record, sorted; "TC" if cut; "" for no answer.
inline std::string read_answer(const std::string& message) {
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

inline Address address(const char* text) {
  return Address::parse(text).value();
}

inline void fill(Zone& zone) {
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

inline const ZoneView kView{.scope = "shop", .networks = {"front"}};

/// An upstream server on 127.0.0.1 (or another address) of a namespace: answers every A question with 203.0.113.7, is
/// silent for "silent.test", refuses "refused.test" and sends a false id first for "spoofed.test".
class Upstream {
 public:
  Upstream(const sys::Netns& where, const std::string& ip, uint16_t port, bool mute = false) : mute_(mute) {
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
  /// The ports that UDP queries came from.
  [[nodiscard]] std::set<uint16_t> ports() const {
    const std::lock_guard lock(mutex_);
    return ports_;
  }

 private:
  std::string reply(const std::string& query) {
    ++seen;
    dns::Query parsed;
    if (dns::parse_query(bytes(query), parsed) != dns::Verdict::ok) return "";
    if (mute_ || parsed.name.text() == "silent.test") return "";
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
        note_port(peer);
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

  void note_port(const sockaddr_storage& peer) {
    sockaddr_in from{};
    std::memcpy(&from, &peer, sizeof from);
    const std::lock_guard lock(mutex_);
    ports_.insert(ntohs(from.sin_port));
  }

  bool mute_;
  sys::UniqueFd udp_, tcp_;
  mutable std::mutex mutex_;
  std::set<uint16_t> ports_;
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
    config.limits.hedge = std::chrono::milliseconds(150);
    config.limits.give_up = std::chrono::milliseconds(1500);
    config.limits.tcp_idle = std::chrono::milliseconds(500);
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

}  // namespace dns_lab
