#include "netns/proxy.h"

#include <arpa/inet.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <atomic>
#include <thread>

#include "lab.h"
#include "loop.h"
#include "netns/ports.h"

using namespace berth;
using namespace berth::netns;

namespace {

constexpr uint16_t kPublished = 8080, kServed = 80;

/// A server and a proxy before it, both on one host's loopback.
struct Port {
  sys::Netns host = lab::make_host();
  lab::Loop loop{host};
  sys::UniqueFd listener;
  std::unique_ptr<PortProxy> proxy;

  Port() {
    lab::in(host, [&]() -> Status {
      listener.reset(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      const sockaddr_in served = address(kServed);
      REQUIRE(bind(listener.get(), reinterpret_cast<const sockaddr*>(&served), sizeof served) == 0);
      REQUIRE(listen(listener.get(), 16) == 0);
      PortSpec port{.host_port = kPublished,
                    .protocol = Protocol::tcp,
                    .container = {lab::ip("127.0.0.1")},
                    .container_port = kServed};
      BERTH_TRY(Reservation reserved, reserve_port(port));
      BERTH_TRY(proxy, PortProxy::start(loop.io, reserved.port, std::move(reserved.sockets)));
      return {};
    });
  }
  ~Port() {
    loop.call([&] { proxy.reset(); });
  }
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  static sockaddr_in address(uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }

  size_t active() {
    size_t active = 0;
    loop.call([&] { active = proxy->active(); });
    return active;
  }
};

/// Both ends of a connection through the proxy.
struct Ends {
  sys::UniqueFd client, server;

  explicit Ends(Port& port) {
    lab::in(port.host, [&]() -> Status {
      client.reset(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      const sockaddr_in published = Port::address(kPublished);
      REQUIRE(connect(client.get(), reinterpret_cast<const sockaddr*>(&published), sizeof published) == 0);
      return {};
    });
    server.reset(accept4(port.listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    REQUIRE(server.valid());
  }
};

/// Numbers that say where in the stream they stand.
std::vector<uint32_t> counted(size_t bytes) {
  std::vector<uint32_t> numbers(bytes / sizeof(uint32_t));
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<uint32_t>(i * 2654435761U);
  return numbers;
}

/// In pieces of the sizes that callers have, small and large in turn; then nothing more comes from this end.
bool say(const sys::UniqueFd& end, const std::vector<uint32_t>& numbers) {
  const auto* bytes = reinterpret_cast<const char*>(numbers.data());
  const size_t size = numbers.size() * sizeof(uint32_t);
  size_t piece = 1;
  for (size_t at = 0; at<size; piece = piece>(1 << 20) ? 7 : piece * 3) {
    const ssize_t sent = send(end.get(), bytes + at, std::min(piece, size - at), MSG_NOSIGNAL);
    if (sent < 0) return false;
    at += static_cast<size_t>(sent);
  }
  return shutdown(end.get(), SHUT_WR) == 0;
}

/// Reads to the end.
std::vector<uint32_t> heard(const sys::UniqueFd& end) {
  std::string bytes;
  std::vector<char> piece(256 << 10);
  for (ssize_t got = 0; (got = recv(end.get(), piece.data(), piece.size(), 0)) > 0;)
    bytes.append(piece.data(), static_cast<size_t>(got));
  std::vector<uint32_t> numbers(bytes.size() / sizeof(uint32_t));
  std::memcpy(numbers.data(), bytes.data(), numbers.size() * sizeof(uint32_t));
  return numbers;
}

}  // namespace

TEST_CASE("a stream through a published port arrives whole, both ways at once, however late it is read") {
  if (!lab::can_run()) return;
  Port port;
  Ends ends(port);
  const std::vector<uint32_t> up = counted(48 << 20), down = counted(20 << 20);
  bool said_up = false, said_down = false;
  std::thread client([&] { said_up = say(ends.client, up); });
  std::thread server([&] { said_down = say(ends.server, down); });
  CHECK(heard(ends.client) == down);
  server.join();
  CHECK(heard(ends.server) == up);  // until now it was held up, all buffers full
  client.join();
  CHECK(said_up);
  CHECK(said_down);
  while (port.active() != 0) std::this_thread::yield();
}

TEST_CASE("who has said all still hears the answer through a published port") {
  if (!lab::can_run()) return;
  Port port;
  Ends ends(port);
  const std::vector<uint32_t> question = counted(400), answer = counted(3 << 20);
  REQUIRE(say(ends.client, question));
  CHECK(heard(ends.server) == question);
  std::thread server([&] { (void)say(ends.server, answer); });
  CHECK(heard(ends.client) == answer);
  server.join();
}

TEST_CASE("a stream through a published port passes without descriptors left for a pipe") {
  if (!lab::can_run()) return;
  Port port;
  Ends ends(port);
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
  const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
  const std::vector<uint32_t> up = counted(8 << 20);
  // Sanitizers need descriptors when a thread is born and when it ends.
  std::atomic<bool> born = false, begin = false, end = false;
  std::thread client([&] {
    born = true;
    while (!begin) std::this_thread::yield();
    (void)say(ends.client, up);
    while (!end) std::this_thread::yield();
  });
  while (!born) std::this_thread::yield();
  REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
  begin = true;
  const bool whole = heard(ends.server) == up;
  REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
  end = true;
  client.join();
  CHECK(whole);
}

TEST_CASE("an end that goes in the middle of a stream takes the other end along") {
  if (!lab::can_run()) return;
  Port port;
  Ends ends(port);
  bool said = true;
  std::thread client([&] { said = say(ends.client, counted(64 << 20)); });
  char byte = 0;
  CHECK(recv(ends.server.get(), &byte, 1, 0) == 1);
  ends.server.reset();
  client.join();
  CHECK_FALSE(said);
  while (port.active() != 0) std::this_thread::yield();
}
