#pragma once

#include <sys/stat.h>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "netns/dns_message.h"
#include "netns/dns_server.h"

namespace berth::netns {

/// A query on its way to somebody who may know.
struct ForwardRequest {
  std::vector<uint8_t> message;  // as the client sent it
  dns::Query query;              // parsed from it
  bool tcp = false;              // ask over TCP
  std::vector<Address> upstreams;
  std::shared_ptr<sys::Netns> netns;  // where `upstreams` are asked from; null = here
  /// Called exactly once with the reply under the client's id, unless the Forwarder is destroyed before.
  std::function<void(dns::Bytes)> reply;
};

/// Asks upstream servers for the DnsServer. Servers are asked in order, those that failed lately last; the next one is
/// asked when one fails or does not answer in time. The first good reply wins; the worst that can happen is SERVFAIL.
class Forwarder : public std::enable_shared_from_this<Forwarder> {
 public:
  Forwarder(boost::asio::io_context& io, DnsConfig config);
  void forward(ForwardRequest request);

  // For Exchange, the one query in flight.
  [[nodiscard]] const DnsConfig& config() const { return config_; }
  [[nodiscard]] boost::asio::io_context& io() { return io_; }
  void note(const Address& server, bool answered);
  void finished() { --in_flight_; }

 private:
  void follow_resolv_conf();
  [[nodiscard]] std::vector<Address> in_order(std::vector<Address> servers) const;

  boost::asio::io_context& io_;
  DnsConfig config_;
  std::vector<Address> host_servers_;
  struct stat resolv_conf_stat_ {};
  std::map<Address, std::chrono::steady_clock::time_point> failed_at_;
  size_t in_flight_ = 0;
};

}  // namespace berth::netns
