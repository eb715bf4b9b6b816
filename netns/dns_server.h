#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "netns/dns_zone.h"
#include "sys/fd.h"
#include "sys/netns.h"

namespace berth::netns {

struct DnsLimits {
  size_t queries_in_flight = 1024;  // forwarded, all listeners together; more get SERVFAIL at once
  size_t tcp_clients = 64;          // per listener; more are closed
  size_t tcp_clients_in_all = 512;
  size_t tcp_pipeline = 16;  // queries of one connection in flight
  std::chrono::milliseconds tcp_idle{10'000};
  std::chrono::milliseconds hedge{250};        // no answer after this: the next server is asked as well
  std::chrono::milliseconds give_up{4'000};    // then SERVFAIL
  std::chrono::milliseconds demotion{30'000};  // a server that did not answer is asked last for so long
};

struct DnsConfig {
  std::string resolv_conf = "/etc/resolv.conf";  // the host's; followed as it changes
  uint16_t upstream_port = 53;
  uint32_t ttl = 0;  // of our own names: answers follow replicas at once
  DnsLimits limits;
};

/// What a container sees.
struct DnsView {
  ZoneView zone;
  bool internal_only = false;         // only on internal networks: foreign names are REFUSED at once, unless
                                      // `upstreams` names servers, which may be inside
  std::vector<Address> upstreams;     // `dns:`; empty = the host's servers, asked from the host's namespace
  std::shared_ptr<sys::Netns> netns;  // the container's: `upstreams` are asked from there. May be null: the host's then
};

/// Answers on the sockets of every container's 127.0.0.11 (Sandbox::dns_udp, dns_tcp).
///
/// Own names come from the zone: A (shuffled), PTR, and an empty NOERROR for AAAA and all other types. The rest is
/// forwarded: a fresh socket and a random id per query, several in flight, the next server asked when one is slow, bad
/// replies ignored, SERVFAIL when nobody answers; never silence. Queries over TCP are forwarded over TCP, as are those
/// whose UDP reply was cut.
///
/// Single-threaded: make it, call it and run the io_context on one thread, whose network namespace is the host's.
/// Closing the sockets is all that destroying it does to a container; a supervisor that starts again adds the same
/// sockets again, and what was queued in them meanwhile is answered.
class DnsServer {
 public:
  DnsServer(boost::asio::io_context& io, const Zone& zone, DnsConfig config = {});
  ~DnsServer();
  DnsServer(const DnsServer&) = delete;
  DnsServer& operator=(const DnsServer&) = delete;

  /// Starts answering; owns the descriptors from now on. `key` is the container's id; a listener of the same key is
  /// replaced.
  [[nodiscard]] Status add_listener(const std::string& key, sys::UniqueFd udp, sys::UniqueFd tcp, DnsView view);
  /// Another view for the next query on (network connect/disconnect). Unknown key: ENOENT.
  [[nodiscard]] Status set_view(const std::string& key, DnsView view);
  /// Stops answering and closes the sockets; unknown is fine.
  void remove_listener(const std::string& key);

  struct Counters {
    uint64_t queries = 0;
    uint64_t own = 0;
    uint64_t forwarded = 0;
  };
  [[nodiscard]] Counters counters() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace berth::netns
