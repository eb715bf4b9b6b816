#include "netns/proxy.h"

#include <cerrno>

#include "netns/proxy_parts.h"

namespace berth::netns {

Result<std::unique_ptr<PortProxy>> PortProxy::start(boost::asio::io_context& io, const PortSpec& port,
                                                    std::vector<sys::UniqueFd> sockets, ProxyLimits limits) {
  for (const sys::UniqueFd& socket : sockets) {
    if (!socket.valid()) return sys_error("serve published port " + port.str(), EBADF);
  }
  if (port.protocol == Protocol::udp) return make_udp_proxy(io, port, std::move(sockets), limits);
  return make_stream_proxy(io, port, std::move(sockets), limits);
}

}  // namespace berth::netns
