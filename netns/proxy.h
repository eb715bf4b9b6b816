#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "netns/spec.h"
#include "sys/fd.h"

namespace berth::netns {

struct ProxyLimits {
  size_t connections = 4096;  // TCP connections, SCTP associations or UDP clients of one port at a time
  std::chrono::seconds connect_timeout{5};
  std::chrono::seconds udp_idle{90};
};

/// Carries a published port's traffic that is not translated by the firewall: the host's loopback, what is sent to an
/// address of a family that the container does not have, and all of it where there is no nftables. The container sees
/// the bridge's gateway as the client.
///
/// TCP: both directions, each half closed by itself. SCTP: the same, with associations of one stream. UDP: one socket
/// per client, forgotten after `udp_idle`; replies leave from the address the client had sent to.
///
/// The sockets are those of a Reservation, or the same received again after a restart of the supervisor; the proxy owns
/// the descriptors it is given (give it duplicates if they have to live on). Destroying it closes them and all
/// connections.
class PortProxy {
 public:
  [[nodiscard]] static Result<std::unique_ptr<PortProxy>> start(boost::asio::io_context& io, const PortSpec& port,
                                                                std::vector<sys::UniqueFd> sockets,
                                                                ProxyLimits limits = {});
  virtual ~PortProxy() = default;
  PortProxy(const PortProxy&) = delete;
  PortProxy& operator=(const PortProxy&) = delete;

  /// What comes from here on is for another proxy of the same sockets; connections go on. UDP clients are forgotten.
  virtual void retire() = 0;

  /// Connections or UDP clients being served.
  [[nodiscard]] virtual size_t active() const = 0;

 protected:
  PortProxy() = default;
};

}  // namespace berth::netns
