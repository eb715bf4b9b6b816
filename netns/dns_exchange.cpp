#include "netns/dns_exchange.h"

#include <sys/random.h>
#include <sys/socket.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>

#include "netns/asio_address.h"

namespace berth::netns {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

uint16_t random_id() {
  uint16_t id = 0;
  (void)getrandom(&id, sizeof id, 0);  // two bytes never fail once the machine has booted
  return id;
}

/// A socket in the given namespace (null = this thread's); it stays there wherever it is used.
Result<int> open_socket(const sys::Netns* netns, bool v6, int type) {
  int fd = -1;
  const auto open = [&]() -> Status {
    fd = socket(v6 ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return fd < 0 ? Status(sys_error("open socket to DNS server", errno)) : Status();
  };
  BERTH_TRY_OK(netns != nullptr ? netns->run(open) : open());
  return fd;
}

/// How this works: an attempt per server, each with a socket and an id of its own. `advance()` starts the next attempt:
/// at first, when the hedge timer fires, and when an attempt fails. Attempts already started stay in the race. The
/// exchange ends with the first good reply, with the best bad one when all attempts have failed, or at the deadline.
class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(std::shared_ptr<Forwarder> forwarder, ForwardRequest request, std::vector<Address> servers)
      : forwarder_(std::move(forwarder)),
        request_(std::move(request)),
        servers_(std::move(servers)),
        hedge_(forwarder_->io()),
        deadline_(forwarder_->io()) {}

  void start() {
    deadline_.expires_after(forwarder_->config().limits.give_up);
    deadline_.async_wait([self = shared_from_this()](error_code error) {
      if (!error) self->finish_badly();
    });
    advance();
  }

 private:
  struct Attempt {
    Attempt(asio::io_context& io, const Address& to) : server(to), udp(io), tcp(io) {}
    Address server;
    uint16_t id = random_id();
    asio::ip::udp::socket udp;
    asio::ip::tcp::socket tcp;
    std::vector<uint8_t> out;
    std::vector<uint8_t> in;
    bool over = false;
  };
  using AttemptPtr = std::shared_ptr<Attempt>;

  void advance() {
    if (done_) return;
    if (attempts_.size() == servers_.size()) {
      if (pending_ == 0) finish_badly();
      return;
    }
    auto attempt = std::make_shared<Attempt>(forwarder_->io(), servers_[attempts_.size()]);
    attempts_.push_back(attempt);
    ++pending_;
    arm_hedge();
    attempt->out = request_.message;
    dns::set_message_id(attempt->out, attempt->id);
    const bool started = request_.tcp ? start_tcp(attempt) : start_udp(attempt);
    if (!started) fail(attempt);
  }

  void arm_hedge() {
    hedge_.expires_after(forwarder_->config().limits.hedge);
    hedge_.async_wait([self = shared_from_this()](error_code error) {
      if (error || self->done_) return;
      // Slow is noted like dead: the next query goes to somebody else first.
      if (!self->attempts_.back()->over) self->forwarder_->note(self->attempts_.back()->server, false);
      if (self->attempts_.size() < self->servers_.size()) self->advance();
    });
  }

  bool start_udp(const AttemptPtr& attempt) {
    const auto fd = open_socket(request_.netns.get(), attempt->server.v6, SOCK_DGRAM);
    if (!fd.ok()) return false;
    error_code error;
    (void)attempt->udp.assign(attempt->server.v6 ? asio::ip::udp::v6() : asio::ip::udp::v4(), *fd, error);
    // Connected: the kernel drops what comes from anybody else, and tells of ICMP errors at once. The port is random.
    (void)attempt->udp.connect({to_asio(attempt->server), forwarder_->config().upstream_port}, error);
    if (error) return false;
    attempt->udp.send(asio::buffer(attempt->out), 0, error);
    if (error) return false;
    attempt->in.resize(size_t{request_.query.udp_size} + 1);
    receive_udp(attempt);
    return true;
  }

  void receive_udp(const AttemptPtr& attempt) {
    attempt->udp.async_receive(
        asio::buffer(attempt->in), [self = shared_from_this(), attempt](error_code error, size_t size) {
          if (self->done_ || attempt->over) return;
          if (error) return self->fail(attempt);
          const std::span<uint8_t> reply = std::span(attempt->in).first(size);
          // A reply to something else is somebody's attempt to fool us: keep waiting for the real one.
          if (!dns::answers_question(reply, attempt->id, self->request_.message, self->request_.query))
            return self->receive_udp(attempt);
          if (size <= self->request_.query.udp_size) return self->receive(attempt, reply);
          self->receive(attempt, reply.first(dns::truncate_reply(reply, self->request_.query.question_end)));
        });
  }

  bool start_tcp(const AttemptPtr& attempt) {
    const auto fd = open_socket(request_.netns.get(), attempt->server.v6, SOCK_STREAM);
    if (!fd.ok()) return false;
    error_code error;
    (void)attempt->tcp.assign(attempt->server.v6 ? asio::ip::tcp::v6() : asio::ip::tcp::v4(), *fd, error);
    if (error) return false;
    const auto size = static_cast<uint16_t>(attempt->out.size());
    attempt->out.insert(attempt->out.begin(), {static_cast<uint8_t>(size >> 8), static_cast<uint8_t>(size)});
    attempt->tcp.async_connect({to_asio(attempt->server), forwarder_->config().upstream_port},
                               [self = shared_from_this(), attempt](error_code failed) {
                                 if (failed) return self->fail(attempt);
                                 self->send_tcp(attempt);
                               });
    return true;
  }

  void send_tcp(const AttemptPtr& attempt) {
    asio::async_write(
        attempt->tcp, asio::buffer(attempt->out), [self = shared_from_this(), attempt](error_code error, size_t) {
          if (error) return self->fail(attempt);
          attempt->in.resize(2);
          asio::async_read(attempt->tcp, asio::buffer(attempt->in), [self, attempt](error_code failed, size_t) {
            if (failed) return self->fail(attempt);
            self->receive_tcp(attempt);
          });
        });
  }

  void receive_tcp(const AttemptPtr& attempt) {
    attempt->in.resize(static_cast<size_t>(attempt->in[0] << 8 | attempt->in[1]));
    asio::async_read(
        attempt->tcp, asio::buffer(attempt->in), [self = shared_from_this(), attempt](error_code error, size_t) {
          if (error || self->done_) return self->fail(attempt);
          if (!dns::answers_question(attempt->in, attempt->id, self->request_.message, self->request_.query))
            return self->fail(attempt);
          self->receive(attempt, attempt->in);
        });
  }

  void receive(const AttemptPtr& attempt, std::span<uint8_t> reply) {
    forwarder_->note(attempt->server, true);
    dns::set_message_id(reply, request_.query.id);
    const dns::Rcode rcode = dns::message_rcode(reply);
    if (rcode == dns::kNoError || rcode == dns::kNxDomain) return finish(reply);
    // Another server may do better than SERVFAIL or REFUSED.
    second_best_.assign(reply.begin(), reply.end());
    end_attempt(attempt);
  }

  void fail(const AttemptPtr& attempt) {
    if (done_ || attempt->over) return;
    forwarder_->note(attempt->server, false);
    end_attempt(attempt);
  }

  void end_attempt(const AttemptPtr& attempt) {
    attempt->over = true;
    --pending_;
    advance();
  }

  void finish_badly() {
    if (done_) return;
    if (!second_best_.empty()) return finish(second_best_);
    for (const AttemptPtr& attempt : attempts_) {
      if (!attempt->over) forwarder_->note(attempt->server, false);
    }
    std::array<uint8_t, dns::kMaxUdpPlain> out{};
    finish(std::span(out).first(dns::write_error(out, request_.message, dns::kServFail)));
  }

  void finish(dns::Bytes reply) {
    done_ = true;
    request_.reply(reply);
    forwarder_->finished();
    hedge_.cancel();
    deadline_.cancel();
    for (const AttemptPtr& attempt : attempts_) {
      error_code ignored;  // closing only cancels what is pending
      (void)attempt->udp.close(ignored);
      (void)attempt->tcp.close(ignored);
    }
  }

  std::shared_ptr<Forwarder> forwarder_;
  ForwardRequest request_;
  std::vector<Address> servers_;
  std::vector<AttemptPtr> attempts_;
  size_t pending_ = 0;
  std::vector<uint8_t> second_best_;
  asio::steady_timer hedge_;
  asio::steady_timer deadline_;
  bool done_ = false;
};

}  // namespace

void start_exchange(std::shared_ptr<Forwarder> forwarder, ForwardRequest request, std::vector<Address> servers) {
  std::make_shared<Exchange>(std::move(forwarder), std::move(request), std::move(servers))->start();
}

}  // namespace berth::netns
