#pragma once

#include <boost/asio/ip/address.hpp>
#include <memory>
#include <vector>

#include "netns/proxy.h"

namespace berth::netns {

[[nodiscard]] boost::asio::ip::address asio_address(const Address& address);

/// For TCP and SCTP.
[[nodiscard]] std::unique_ptr<PortProxy> make_stream_proxy(boost::asio::io_context& io, const PortSpec& port,
                                                           std::vector<sys::UniqueFd> sockets,
                                                           const ProxyLimits& limits);
[[nodiscard]] std::unique_ptr<PortProxy> make_udp_proxy(boost::asio::io_context& io, const PortSpec& port,
                                                        std::vector<sys::UniqueFd> sockets, const ProxyLimits& limits);

}  // namespace berth::netns
