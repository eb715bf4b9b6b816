#include "netns/dns_listener.h"

#include <sys/socket.h>

#include <array>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>

namespace berth::netns {
namespace {

using boost::asio::posix::descriptor_base;
using boost::system::error_code;

constexpr size_t kBatch = 32;
constexpr int kRounds = 4;  // batches read in a row before other listeners get their turn

/// Buffers of one recvmmsg/sendmmsg round. One per thread is enough: nothing is kept in it between rounds.
struct Batch {
  std::array<std::array<uint8_t, dns::kQuerySize>, kBatch> in;
  std::array<std::array<uint8_t, dns::kOurUdpSize>, kBatch> out;
  std::array<sockaddr_in, kBatch> peers;
  std::array<iovec, kBatch> in_parts;
  std::array<iovec, kBatch> out_parts;
  std::array<mmsghdr, kBatch> received;
  std::array<mmsghdr, kBatch> answers;
};

Batch& scratch() {
  static thread_local std::unique_ptr<Batch> batch = std::make_unique<Batch>();
  return *batch;
}

void prepare(Batch& batch) {
  for (size_t i = 0; i < kBatch; ++i) {
    batch.in_parts[i] = {batch.in[i].data(), dns::kQuerySize};
    batch.received[i] = {};
    batch.received[i].msg_hdr = {.msg_name = &batch.peers[i],
                                 .msg_namelen = sizeof(sockaddr_in),
                                 .msg_iov = &batch.in_parts[i],
                                 .msg_iovlen = 1};
  }
}

void add_answer(Batch& batch, size_t& count, size_t query, size_t size) {
  batch.out_parts[count] = {batch.out[count].data(), size};
  batch.answers[count] = {};
  batch.answers[count].msg_hdr = {.msg_name = &batch.peers[query],
                                  .msg_namelen = sizeof(sockaddr_in),
                                  .msg_iov = &batch.out_parts[count],
                                  .msg_iovlen = 1};
  ++count;
}

/// Sends all; one that cannot be sent (the client is gone) is skipped. A full buffer drops the rest, as UDP may.
void send_all(int fd, std::span<mmsghdr> answers) {
  while (!answers.empty()) {
    const int sent = sendmmsg(fd, answers.data(), static_cast<unsigned>(answers.size()), MSG_DONTWAIT);
    if (sent < 0 && (errno == EAGAIN || errno == ENOBUFS)) return;
    answers = answers.subspan(sent > 0 ? static_cast<size_t>(sent) : 1);
  }
}

}  // namespace

DnsListener::DnsListener(std::shared_ptr<DnsCore> core, sys::UniqueFd udp, sys::UniqueFd tcp, DnsView view)
    : core_(std::move(core)), udp_(core_->io, udp.release()), tcp_(core_->io, tcp.release()), view_(std::move(view)) {}

void DnsListener::start() {
  wait_udp();
  wait_tcp();
}

void DnsListener::close() {
  closed_ = true;
  error_code ignored;  // closing only cancels what waits
  (void)udp_.close(ignored);
  (void)tcp_.close(ignored);
}

void DnsListener::wait_udp() {
  udp_.async_wait(descriptor_base::wait_read, [self = shared_from_this()](error_code error) {
    if (error || self->closed_) return;
    self->read_udp();
    self->wait_udp();
  });
}

void DnsListener::read_udp() {
  for (int round = 0; round < kRounds; ++round) {
    if (!read_udp_batch()) return;
  }
}

/// One round; false when the socket has been read empty.
bool DnsListener::read_udp_batch() {
  Batch& batch = scratch();
  prepare(batch);
  const int received = recvmmsg(udp_.native_handle(), batch.received.data(), kBatch, MSG_DONTWAIT, nullptr);
  if (received <= 0) return false;
  size_t answers = 0;
  for (size_t i = 0; i < static_cast<size_t>(received); ++i) {
    if ((batch.received[i].msg_hdr.msg_flags & MSG_TRUNC) != 0) continue;
    const dns::Bytes message(batch.in[i].data(), batch.received[i].msg_len);
    const auto later = [&] {
      return [weak = weak_from_this(), peer = batch.peers[i]](dns::Bytes reply) {
        const auto self = weak.lock();
        if (!self || self->closed_) return;
        (void)sendto(self->udp_.native_handle(), reply.data(), reply.size(), MSG_DONTWAIT,
                     reinterpret_cast<const sockaddr*>(&peer), sizeof peer);
      };
    };
    const size_t size = core_->handle(message, view_, false, batch.out[answers], later);
    if (size > 0) add_answer(batch, answers, i, size);
  }
  send_all(udp_.native_handle(), std::span(batch.answers).first(answers));
  return received == static_cast<int>(kBatch);
}

void DnsListener::wait_tcp() {
  tcp_.async_wait(descriptor_base::wait_read, [self = shared_from_this()](error_code error) {
    if (error || self->closed_) return;
    if (self->accept_tcp()) return self->wait_tcp();
    // Without descriptors to spare it would be ready again at once, and again.
    auto pause = std::make_shared<boost::asio::steady_timer>(self->core_->io, std::chrono::milliseconds(100));
    pause->async_wait([self, pause](error_code) {
      if (!self->closed_) self->wait_tcp();
    });
  });
}

/// All that wait; false if the kernel would not let us take one.
bool DnsListener::accept_tcp() {
  while (true) {
    sys::UniqueFd client(accept4(tcp_.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!client.valid() && (errno == EINTR || errno == ECONNABORTED)) continue;
    if (!client.valid()) return errno == EAGAIN;
    const DnsLimits& limits = core_->config.limits;
    // Closed at once: better than waiting for nothing.
    if (clients_ >= limits.tcp_clients || core_->tcp_clients >= limits.tcp_clients_in_all) continue;
    ++clients_;
    ++core_->tcp_clients;
    start_dns_tcp_client(shared_from_this(), std::move(client));
  }
}

}  // namespace berth::netns
