#pragma once

#include <memory>
#include <vector>

#include "netns/proxy.h"

namespace berth::netns {

[[nodiscard]] std::unique_ptr<PortProxy> make_tcp_proxy(boost::asio::io_context& io, const PortSpec& port,
                                                        std::vector<sys::UniqueFd> sockets, const ProxyLimits& limits);
[[nodiscard]] std::unique_ptr<PortProxy> make_udp_proxy(boost::asio::io_context& io, const PortSpec& port,
                                                        std::vector<sys::UniqueFd> sockets, const ProxyLimits& limits);

}  // namespace berth::netns
