#include "netns/ports.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace berth::netns {
namespace {

constexpr int kEphemeralTries = 32;

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

SocketAddress socket_address(const Address& address, uint16_t port) {
  SocketAddress out;
  if (address.v6) {
    sockaddr_in6 v6{.sin6_family = AF_INET6, .sin6_port = htons(port)};
    std::memcpy(&v6.sin6_addr, address.bytes.data(), 16);
    std::memcpy(&out.storage, &v6, out.size = sizeof v6);
  } else {
    sockaddr_in v4{.sin_family = AF_INET, .sin_port = htons(port)};
    std::memcpy(&v4.sin_addr, address.bytes.data(), 4);
    std::memcpy(&out.storage, &v4, out.size = sizeof v4);
  }
  return out;
}

std::string place(const Address& address, uint16_t port, Protocol protocol) {
  return fmt::format(fmt::runtime(address.v6 ? "[{}]:{}/{}" : "{}:{}/{}"), address.str(), port,
                     protocol_name(protocol));
}

Result<sys::UniqueFd> bind_port(const Address& address, uint16_t port, Protocol protocol) {
  const bool tcp = protocol == Protocol::tcp, udp = protocol == Protocol::udp;
  const int on = 1;
  sys::UniqueFd fd(socket(address.v6 ? AF_INET6 : AF_INET,
                          (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, ip_protocol(protocol)));
  if (!fd.valid()) return sys_error("open socket for " + place(address, port, protocol), errno);
  if (address.v6) (void)setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  // For TCP only: past connections in TIME_WAIT must not block the port. A listener still does. UDP sockets would share
  // it, and SCTP has no such state.
  if (tcp) (void)setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  // Replies of the UDP proxy must leave from the address that the client had sent to.
  if (udp && address.v6) (void)setsockopt(fd.get(), IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
  if (udp && !address.v6) (void)setsockopt(fd.get(), IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
  const SocketAddress to = socket_address(address, port);
  const bool bound = bind(fd.get(), reinterpret_cast<const sockaddr*>(&to.storage), to.size) == 0;
  if (bound && (udp || listen(fd.get(), SOMAXCONN) == 0)) return fd;
  return sys_error("bind " + place(address, port, protocol), errno);
}

uint16_t port_of(const sys::UniqueFd& fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (getsockname(fd.get(), reinterpret_cast<sockaddr*>(&storage), &size) != 0) return 0;
  // Both families have the port in the same place.
  sockaddr_in v4{};
  std::memcpy(&v4, &storage, sizeof v4);
  return ntohs(v4.sin_port);
}

bool no_ipv6(const Error& error) {
  return error.code == EAFNOSUPPORT || error.code == EADDRNOTAVAIL || error.code == EPROTONOSUPPORT;
}

/// All sockets of one try; with port 0 the kernel chooses for the first and the others take the same.
Result<Reservation> try_reserve(const PortSpec& port, const std::vector<Address>& addresses) {
  Reservation reservation{.port = port};
  uint16_t number = port.host_port;
  for (const Address& address : addresses) {
    auto fd = bind_port(address, number, port.protocol);
    const bool optional = address.v6 && !port.host_ip;
    if (!fd.ok() && optional && no_ipv6(fd.error())) continue;
    if (!fd.ok()) return std::move(fd).error();
    number = port_of(*fd);
    reservation.sockets.push_back(std::move(*fd));
  }
  reservation.port.host_port = number;
  return reservation;
}

Error explain(Error error, const PortSpec& port) {
  if (error.code == EADDRINUSE) {
    const std::string holder = find_port_holder(port.protocol, port.host_port);
    if (!holder.empty()) error.what += fmt::format(" (held by {})", holder);
    error.hint =
        holder.empty() ? "choose another host port" : fmt::format("stop {}, or choose another host port", holder);
  }
  if (error.code == EPROTONOSUPPORT && port.protocol == Protocol::sctp) {
    error.hint = "the kernel has no SCTP: load its module \"sctp\" on the host, or publish the port over TCP or UDP";
  }
  if (error.code == EADDRNOTAVAIL) error.hint = "the host has no such address; leave host_ip out to publish on all";
  return error;
}

}  // namespace

Result<Reservation> reserve_port(const PortSpec& port) {
  std::vector<Address> addresses = {Address{}, Address{.v6 = true}};
  if (port.host_ip) addresses = {*port.host_ip};
  int tries = port.host_port == 0 ? kEphemeralTries : 1;
  while (true) {
    auto reservation = try_reserve(port, addresses);
    // The port that was free for IPv4 may be taken for IPv6.
    const bool clash = !reservation.ok() && reservation.error().code == EADDRINUSE;
    if (clash && --tries > 0) continue;
    if (!reservation.ok()) return explain(std::move(reservation).error(), port);
    return reservation;
  }
}

}  // namespace berth::netns
