#include <poll.h>
#include <sys/socket.h>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>

#include "netns/asio_address.h"
#include "netns/proxy_parts.h"
#include "netns/proxy_way.h"

namespace berth::netns {
namespace {

namespace asio = boost::asio;
using boost::asio::posix::descriptor_base;
using boost::system::error_code;
using Stream = asio::generic::stream_protocol;

constexpr auto kAcceptPause = std::chrono::milliseconds(50);

/// One connection, carried both ways. A half that ends is closed on the other side; when both have ended it is over.
/// Whoever waits on it holds it; close() makes all of them let go.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(asio::io_context& io, sys::UniqueFd client, const Stream& protocol, std::shared_ptr<size_t> active)
      : client_(io, protocol, client.release()),
        server_(io),
        timer_(io),
        up_(protocol.protocol() == IPPROTO_TCP),
        down_(protocol.protocol() == IPPROTO_TCP),
        active_(std::move(active)) {
    ++*active_;
  }
  ~Connection() { --*active_; }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void start(const Stream::endpoint& target, const Stream& protocol, std::chrono::seconds connect_timeout) {
    sys::UniqueFd server(socket(protocol.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol.protocol()));
    if (!server.valid()) return refuse();  // out of descriptors
    if (connect(server.get(), target.data(), static_cast<socklen_t>(target.size())) != 0 && errno != EINPROGRESS)
      return refuse();
    error_code unwatched;
    (void)server_.assign(protocol, server.get(), unwatched);
    if (unwatched) return refuse();
    (void)server.release();
    pollfd writable{.fd = server_.native_handle(), .events = POLLOUT, .revents = 0};
    if (poll(&writable, 1, 0) == 1) return finish_connect();  // a container on this host answers at once
    timer_.expires_after(connect_timeout);
    timer_.async_wait([self = shared_from_this()](error_code error) {
      if (!error) self->close();
    });
    server_.async_wait(Socket::wait_write, [self = shared_from_this()](error_code error) {
      self->timer_.cancel();
      if (!error) self->finish_connect();
    });
  }

  void close() {
    error_code ignored;  // closing only cancels what waits
    timer_.cancel();
    (void)client_.close(ignored);
    (void)server_.close(ignored);
  }

 private:
  using Socket = Stream::socket;

  void finish_connect() {
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(server_.native_handle(), SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) return refuse();
    error_code ignored;  // latency only
    (void)client_.set_option(asio::ip::tcp::no_delay(true), ignored);
    (void)server_.set_option(asio::ip::tcp::no_delay(true), ignored);
    carry(up_, client_, server_);
    carry(down_, server_, client_);
  }

  /// The client learns that nobody listens in the container as it would without us: by a reset.
  void refuse() {
    error_code ignored;
    (void)client_.set_option(asio::socket_base::linger(true, 0), ignored);
    close();
  }

  void carry(ProxyWay& way, Socket& from, Socket& to) {
    auto go_on = [self = shared_from_this(), &way, &from, &to](error_code error = {}) {
      // Closed meanwhile: the readiness may have been on its way already.
      if (!error && from.is_open()) self->carry(way, from, to);
    };
    switch (way.carry(sys::FdRef(from.native_handle()), sys::FdRef(to.native_handle()))) {
      case ProxyWay::State::starved:
        return from.async_wait(Socket::wait_read, std::move(go_on));
      case ProxyWay::State::blocked:
        return to.async_wait(Socket::wait_write, std::move(go_on));
      case ProxyWay::State::busy:
        return asio::post(timer_.get_executor(), std::move(go_on));
      case ProxyWay::State::ended:
        return end_half(way, to);
      case ProxyWay::State::broken:
        return close();
    }
  }

  void end_half(ProxyWay& way, Socket& to) {
    error_code ignored;  // the other side may be gone already
    (void)to.shutdown(asio::socket_base::shutdown_send, ignored);
    way.release();
    if (++ended_ == 2) close();
  }

  Socket client_;
  Socket server_;
  asio::steady_timer timer_;
  ProxyWay up_, down_;
  std::shared_ptr<size_t> active_;
  int ended_ = 0;
};

/// One listening socket of the published port.
class Acceptor : public std::enable_shared_from_this<Acceptor> {
 public:
  Acceptor(asio::io_context& io, sys::UniqueFd fd, const PortSpec& port, const ProxyLimits& limits,
           std::shared_ptr<size_t> active)
      : io_(io),
        descriptor_(io, fd.release()),
        pause_(io),
        target_(asio::ip::tcp::endpoint(to_asio(port.container.front()), port.container_port)),
        number_(ip_protocol(port.protocol)),
        limits_(limits),
        active_(std::move(active)) {}

  void wait() {
    descriptor_.async_wait(descriptor_base::wait_read, [self = shared_from_this()](error_code error) {
      if (error || self->closed_) return;
      self->accept_all();
    });
  }

  void retire() {
    closed_ = true;
    error_code ignored;  // closing only cancels what waits
    (void)descriptor_.close(ignored);
    pause_.cancel();
  }

  void close() {
    retire();
    for (const auto& weak : connections_) {
      if (const auto connection = weak.lock()) connection->close();
    }
  }

 private:
  void accept_all() {
    std::erase_if(connections_, [](const auto& weak) { return weak.expired(); });
    while (*active_ < limits_.connections) {
      sockaddr_storage peer{};
      socklen_t size = sizeof peer;
      sys::UniqueFd client(accept4(descriptor_.native_handle(), reinterpret_cast<sockaddr*>(&peer), &size,
                                   SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (!client.valid() && errno == ECONNABORTED) continue;
      if (!client.valid() && (errno == EAGAIN || errno == EINTR)) return wait();
      if (!client.valid()) break;  // out of descriptors or memory: others wait in the backlog
      auto connection = std::make_shared<Connection>(io_, std::move(client), Stream(peer.ss_family, number_), active_);
      connections_.push_back(connection);
      connection->start(target_, Stream(target_.data()->sa_family, number_), limits_.connect_timeout);
    }
    // The limit is reached. The socket stays readable, so waiting for it would spin.
    pause_.expires_after(kAcceptPause);
    pause_.async_wait([self = shared_from_this()](error_code error) {
      if (!error && !self->closed_) self->wait();
    });
  }

  asio::io_context& io_;
  asio::posix::stream_descriptor descriptor_;
  asio::steady_timer pause_;
  Stream::endpoint target_;
  int number_;  // of the protocol
  ProxyLimits limits_;
  std::shared_ptr<size_t> active_;
  std::vector<std::weak_ptr<Connection>> connections_;
  bool closed_ = false;
};

class StreamProxy : public PortProxy {
 public:
  StreamProxy(asio::io_context& io, const PortSpec& port, std::vector<sys::UniqueFd> sockets,
              const ProxyLimits& limits) {
    for (sys::UniqueFd& socket : sockets) {
      acceptors_.push_back(std::make_shared<Acceptor>(io, std::move(socket), port, limits, active_));
      acceptors_.back()->wait();
    }
  }
  ~StreamProxy() override {
    for (const auto& acceptor : acceptors_) acceptor->close();
  }
  void retire() override {
    for (const auto& acceptor : acceptors_) acceptor->retire();
  }
  size_t active() const override { return *active_; }

 private:
  std::shared_ptr<size_t> active_ = std::make_shared<size_t>(0);
  std::vector<std::shared_ptr<Acceptor>> acceptors_;
};

}  // namespace

std::unique_ptr<PortProxy> make_stream_proxy(asio::io_context& io, const PortSpec& port,
                                             std::vector<sys::UniqueFd> sockets, const ProxyLimits& limits) {
  return std::make_unique<StreamProxy>(io, port, std::move(sockets), limits);
}

}  // namespace berth::netns
