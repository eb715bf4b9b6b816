#include <netinet/in.h>
#include <sys/socket.h>

#include <boost/asio/ip/udp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstring>
#include <map>
#include <optional>
#include <string>

#include "netns/asio_address.h"
#include "netns/proxy_parts.h"

namespace berth::netns {
namespace {

namespace asio = boost::asio;
using boost::asio::posix::descriptor_base;
using boost::system::error_code;

constexpr size_t kDatagram = 64 << 10;
constexpr int kDatagramsInARow = 64;

/// Where a datagram came from and which of our addresses it was sent to: what a reply needs, byte for byte.
struct Route {
  sockaddr_storage peer{};
  socklen_t peer_size = 0;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(in6_pktinfo))> control{};
  size_t control_size = 0;

  [[nodiscard]] std::string key() const {
    std::string out(reinterpret_cast<const char*>(&peer), peer_size);
    return out.append(control.data(), control_size);
  }
};

/// Turns the packet information of a received datagram into that of its reply: the same local address, any interface
/// (replies to loopback must not be bound to the interface number of the way in).
void set_source(Route& route, const msghdr& received) {
  for (const cmsghdr* part = CMSG_FIRSTHDR(&received); part != nullptr;
       part = CMSG_NXTHDR(const_cast<msghdr*>(&received), const_cast<cmsghdr*>(part))) {
    msghdr reply{.msg_control = route.control.data(), .msg_controllen = route.control.size()};
    cmsghdr* head = CMSG_FIRSTHDR(&reply);
    if (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_PKTINFO) {
      in_pktinfo info{};
      std::memcpy(&info, CMSG_DATA(part), sizeof info);
      const in_pktinfo source{.ipi_spec_dst = info.ipi_addr};
      *head = {.cmsg_len = CMSG_LEN(sizeof source), .cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO};
      std::memcpy(CMSG_DATA(head), &source, sizeof source);
      route.control_size = CMSG_SPACE(sizeof source);
    }
    if (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo source{};
      std::memcpy(&source, CMSG_DATA(part), sizeof source);
      if (!IN6_IS_ADDR_LINKLOCAL(&source.ipi6_addr)) source.ipi6_ifindex = 0;
      *head = {.cmsg_len = CMSG_LEN(sizeof source), .cmsg_level = IPPROTO_IPV6, .cmsg_type = IPV6_PKTINFO};
      std::memcpy(CMSG_DATA(head), &source, sizeof source);
      route.control_size = CMSG_SPACE(sizeof source);
    }
  }
}

/// One client's socket towards the container.
struct Client {
  Client(asio::io_context& io, const Route& way) : route(way), socket(io), last_use(std::chrono::steady_clock::now()) {}
  Route route;
  asio::ip::udp::socket socket;
  std::chrono::steady_clock::time_point last_use;
};

/// One bound socket of the published port with its clients.
class Face : public std::enable_shared_from_this<Face> {
 public:
  Face(asio::io_context& io, sys::UniqueFd fd, const PortSpec& port, const ProxyLimits& limits)
      : io_(io),
        descriptor_(io, fd.release()),
        sweep_(io),
        target_(to_asio(port.container.front()), port.container_port),
        limits_(limits),
        buffer_(kDatagram) {}

  void start() {
    wait();
    sweep();
  }

  void close() {
    closed_ = true;
    error_code ignored;  // closing only cancels what waits
    (void)descriptor_.close(ignored);
    sweep_.cancel();
    for (auto& [key, client] : clients_) (void)client->socket.close(ignored);
    clients_.clear();
  }

  [[nodiscard]] size_t active() const { return clients_.size(); }

 private:
  void wait() {
    descriptor_.async_wait(descriptor_base::wait_read, [self = shared_from_this()](error_code error) {
      if (error || self->closed_) return;
      for (int i = 0; i < kDatagramsInARow && self->take_one(); ++i) continue;
      self->wait();
    });
  }

  /// One datagram from outside to the container; false when there is none.
  bool take_one() {
    Route route;
    alignas(cmsghdr) std::array<char, 256> control{};
    iovec part{buffer_.data(), buffer_.size()};
    msghdr message{.msg_name = &route.peer,
                   .msg_namelen = sizeof route.peer,
                   .msg_iov = &part,
                   .msg_iovlen = 1,
                   .msg_control = control.data(),
                   .msg_controllen = control.size()};
    const ssize_t size = recvmsg(descriptor_.native_handle(), &message, MSG_DONTWAIT);
    if (size < 0) return false;
    route.peer_size = message.msg_namelen;
    set_source(route, message);
    if (const auto client = client_for(route)) {
      error_code ignored;  // ECONNREFUSED of an earlier datagram; UDP may lose this one
      client->socket.send(asio::buffer(buffer_.data(), static_cast<size_t>(size)), 0, ignored);
    }
    return true;
  }

  std::shared_ptr<Client> client_for(const Route& route) {
    const std::string key = route.key();
    const auto known = clients_.find(key);
    if (known != clients_.end()) {
      known->second->last_use = std::chrono::steady_clock::now();
      return known->second;
    }
    if (clients_.size() >= limits_.connections) return nullptr;
    auto client = std::make_shared<Client>(io_, route);
    error_code error;
    (void)client->socket.connect(target_, error);
    if (error) return nullptr;
    (void)client->socket.non_blocking(true, error);
    clients_.emplace(key, client);
    wait_reply(client);
    return client;
  }

  void wait_reply(const std::shared_ptr<Client>& client) {
    client->socket.async_wait(asio::socket_base::wait_read, [self = shared_from_this(), client](error_code error) {
      if (error || self->closed_ || !client->socket.is_open()) return;
      for (int i = 0; i < kDatagramsInARow && self->return_one(*client); ++i) continue;
      self->wait_reply(client);
    });
  }

  /// One datagram from the container back to the client; false when there is none.
  bool return_one(Client& client) {
    error_code error;
    const size_t size = client.socket.receive(asio::buffer(buffer_), 0, error);
    if (error == asio::error::connection_refused)
      return true;  // nobody listens (yet); the error is taken off the socket
    if (error) return false;
    client.last_use = std::chrono::steady_clock::now();
    iovec part{buffer_.data(), size};
    const msghdr message{.msg_name = &client.route.peer,
                         .msg_namelen = client.route.peer_size,
                         .msg_iov = &part,
                         .msg_iovlen = 1,
                         .msg_control = client.route.control.data(),
                         .msg_controllen = client.route.control_size};
    (void)sendmsg(descriptor_.native_handle(), &message, MSG_DONTWAIT);  // UDP may lose it
    return true;
  }

  /// Forgets idle clients.
  void sweep() {
    sweep_.expires_after(std::chrono::seconds(1) + limits_.udp_idle / 10);
    sweep_.async_wait([self = shared_from_this()](error_code error) {
      if (error || self->closed_) return;
      const auto limit = std::chrono::steady_clock::now() - self->limits_.udp_idle;
      std::erase_if(self->clients_, [&](auto& entry) {
        error_code ignored;  // closing only cancels what waits
        if (entry.second->last_use < limit) (void)entry.second->socket.close(ignored);
        return entry.second->last_use < limit;
      });
      self->sweep();
    });
  }

  asio::io_context& io_;
  asio::posix::stream_descriptor descriptor_;
  asio::steady_timer sweep_;
  asio::ip::udp::endpoint target_;
  ProxyLimits limits_;
  std::vector<char> buffer_;
  std::map<std::string, std::shared_ptr<Client>> clients_;
  bool closed_ = false;
};

class UdpProxy : public PortProxy {
 public:
  UdpProxy(asio::io_context& io, const PortSpec& port, std::vector<sys::UniqueFd> sockets, const ProxyLimits& limits) {
    for (sys::UniqueFd& socket : sockets) {
      faces_.push_back(std::make_shared<Face>(io, std::move(socket), port, limits));
      faces_.back()->start();
    }
  }
  ~UdpProxy() override {
    for (const auto& face : faces_) face->close();
  }
  void retire() override {
    for (const auto& face : faces_) face->close();
  }
  size_t active() const override {
    size_t sum = 0;
    for (const auto& face : faces_) sum += face->active();
    return sum;
  }

 private:
  std::vector<std::shared_ptr<Face>> faces_;
};

}  // namespace

std::unique_ptr<PortProxy> make_udp_proxy(asio::io_context& io, const PortSpec& port,
                                          std::vector<sys::UniqueFd> sockets, const ProxyLimits& limits) {
  return std::make_unique<UdpProxy>(io, port, std::move(sockets), limits);
}

}  // namespace berth::netns
