#pragma once

#include <netinet/in.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <memory>
#include <vector>

#include "netns/dns_answer.h"
#include "netns/dns_forwarder.h"
#include "netns/dns_server.h"
#include "sys/fd.h"

namespace berth::netns {

/// What all listeners of a DnsServer share. Outlives each of them: they hold it.
struct DnsCore {
  DnsCore(boost::asio::io_context& context, const Zone& zone, const DnsConfig& settings)
      : io(context),
        config(settings),
        answerer(zone, settings.ttl),
        forwarder(std::make_shared<Forwarder>(context, settings)) {}

  boost::asio::io_context& io;
  DnsConfig config;
  Answerer answerer;
  std::shared_ptr<Forwarder> forwarder;
  DnsServer::Counters counters;
  size_t tcp_clients = 0;  // of all listeners

  /// Answers from the zone into `out` (size returned), or sends the query on (0 is returned, and `later` is called one
  /// day), or says nothing (0 as well, and `later` is not called).
  template <class Later>
  size_t handle(dns::Bytes message, const DnsView& view, bool tcp, std::span<uint8_t> out, Later&& later) {
    dns::Query query;
    ++counters.queries;
    const Answerer::Outcome outcome = answerer.answer(message, view, tcp, query, out);
    if (outcome.kind == Answerer::Kind::own) ++counters.own;
    if (outcome.kind == Answerer::Kind::foreign) forward(message, query, view, tcp, later());
    return outcome.kind == Answerer::Kind::own ? outcome.size : 0;
  }

 private:
  void forward(dns::Bytes message, const dns::Query& query, const DnsView& view, bool tcp,
               std::function<void(dns::Bytes)> reply) {
    ++counters.forwarded;
    ForwardRequest request{.message = {message.begin(), message.end()},
                           .query = query,
                           .tcp = tcp,
                           .upstreams = view.upstreams,
                           .netns = view.netns,
                           .reply = std::move(reply)};
    forwarder->forward(std::move(request));
  }
};

/// One container's pair of DNS sockets. close() ends it; what is in flight holds it a little longer.
class DnsListener : public std::enable_shared_from_this<DnsListener> {
 public:
  DnsListener(std::shared_ptr<DnsCore> core, sys::UniqueFd udp, sys::UniqueFd tcp, DnsView view);
  void start();
  void close();
  void set_view(DnsView view) { view_ = std::move(view); }

  // For the TCP clients.
  [[nodiscard]] DnsCore& core() { return *core_; }
  [[nodiscard]] const DnsView& view() const { return view_; }
  [[nodiscard]] bool closed() const { return closed_; }
  void client_gone() {
    --clients_;
    --core_->tcp_clients;
  }

 private:
  void wait_udp();
  void read_udp();
  [[nodiscard]] bool read_udp_batch();
  void wait_tcp();
  [[nodiscard]] bool accept_tcp();

  std::shared_ptr<DnsCore> core_;
  boost::asio::posix::stream_descriptor udp_;
  boost::asio::posix::stream_descriptor tcp_;
  DnsView view_;
  size_t clients_ = 0;
  bool closed_ = false;
};

/// Serves one TCP connection until it ends; owns the descriptor.
void start_dns_tcp_client(std::shared_ptr<DnsListener> listener, sys::UniqueFd client);

}  // namespace berth::netns
