#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <deque>
#include <vector>

#include "netns/dns_listener.h"

namespace berth::netns {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

/// One connection (RFC 7766): queries are read one after the other and answered as their answers come, so a slow
/// forwarded one does not hold up the rest. It ends when the client closes, sends nonsense, takes too long over a query
/// or the reading of its answers, or is idle with nothing in flight.
class TcpClient : public std::enable_shared_from_this<TcpClient> {
 public:
  TcpClient(std::shared_ptr<DnsListener> listener, sys::UniqueFd fd)
      : listener_(std::move(listener)),
        socket_(listener_->core().io, asio::ip::tcp::v4(), fd.release()),
        idle_(listener_->core().io) {}
  ~TcpClient() { listener_->client_gone(); }
  TcpClient(const TcpClient&) = delete;
  TcpClient& operator=(const TcpClient&) = delete;

  void read_length() {
    reading_ = true;
    arm_idle();
    asio::async_read(socket_, asio::buffer(length_), [self = shared_from_this()](error_code error, size_t) {
      if (error) return self->end_of_input();
      self->read_message(static_cast<size_t>(self->length_[0] << 8 | self->length_[1]));
    });
  }

 private:
  void read_message(size_t size) {
    if (size < dns::kHeaderSize || size > dns::kQuerySize) return close();
    in_.resize(size);
    asio::async_read(socket_, asio::buffer(in_), [self = shared_from_this()](error_code error, size_t) {
      if (error || self->listener_->closed()) return self->close();
      self->handle();
    });
  }

  void handle() {
    reading_ = false;
    static thread_local std::vector<uint8_t> out(dns::kMaxMessage);  // an array would be part of every thread
    bool forwarded = false;
    const auto later = [&] {
      forwarded = true;
      ++in_flight_;
      return [weak = weak_from_this()](dns::Bytes reply) {
        const auto self = weak.lock();
        if (!self) return;
        --self->in_flight_;
        self->answer(reply);
        self->read_on();
      };
    };
    const size_t size = listener_->core().handle(in_, listener_->view(), true, out, later);
    if (size == 0 && !forwarded) return close();
    if (size > 0) answer(std::span(out).first(size));
    read_on();
  }

  /// Reads the next query unless too many are waiting for answers.
  void read_on() {
    if (ended_ && in_flight_ == 0 && queue_.empty()) return close();
    const size_t waiting = in_flight_ + queue_.size();
    if (!reading_ && !ended_ && waiting < listener_->core().config.limits.tcp_pipeline) read_length();
  }

  void answer(dns::Bytes message) {
    const size_t size = message.size();
    std::vector<uint8_t>& framed = queue_.emplace_back();
    framed.reserve(size + 2);
    framed = {static_cast<uint8_t>(size >> 8), static_cast<uint8_t>(size)};
    framed.insert(framed.end(), message.begin(), message.end());
    if (queue_.size() == 1) write_next();
  }

  void write_next() {
    asio::async_write(socket_, asio::buffer(queue_.front()), [self = shared_from_this()](error_code error, size_t) {
      if (error) return self->close();
      self->queue_.pop_front();
      if (!self->queue_.empty()) self->write_next();
      self->read_on();
    });
  }

  void arm_idle() {
    idle_.expires_after(listener_->core().config.limits.tcp_idle);
    idle_.async_wait([weak = weak_from_this()](error_code error) {
      const auto self = weak.lock();
      if (!error && self) self->close();
    });
  }

  /// The client may close its half and still wait for answers.
  void end_of_input() {
    ended_ = true;
    reading_ = false;
    read_on();
  }

  void close() {
    error_code ignored;  // the connection is over either way
    (void)socket_.close(ignored);
    idle_.cancel();
  }

  std::shared_ptr<DnsListener> listener_;
  asio::ip::tcp::socket socket_;
  asio::steady_timer idle_;
  std::array<uint8_t, 2> length_{};
  std::vector<uint8_t> in_;
  std::deque<std::vector<uint8_t>> queue_;
  size_t in_flight_ = 0;
  bool reading_ = false;
  bool ended_ = false;
};

}  // namespace

void start_dns_tcp_client(std::shared_ptr<DnsListener> listener, sys::UniqueFd client) {
  std::make_shared<TcpClient>(std::move(listener), std::move(client))->read_length();
}

}  // namespace berth::netns
