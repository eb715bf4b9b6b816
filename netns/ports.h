#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "netns/spec.h"
#include "sys/fd.h"

namespace berth::netns {

/// A host port that nobody else can take as long as the sockets are open.
struct Reservation {
  PortSpec port;                       // host_port is the real one
  std::vector<sys::UniqueFd> sockets;  // bound, TCP ones listening, non-blocking; IPv4 first, then IPv6
};

/// Takes the port on the host, before anything starts: 0.0.0.0 and [::], or the given address. Host without IPv6: IPv4
/// only. The same sockets serve the PortProxy; they see only what the firewall does not translate. Errors: EADDRINUSE
/// naming the process that holds it ("nginx, pid 812"), EADDRNOTAVAIL for an address the host does not have.
[[nodiscard]] Result<Reservation> reserve_port(const PortSpec& port);

/// "nginx (pid 812)" for whoever has bound this port, or "" if it cannot be found out. Searches /proc/*/fd: slow, for
/// errors only.
[[nodiscard]] std::string find_port_holder(Protocol protocol, uint16_t port);

}  // namespace berth::netns
