#pragma once

#include <boost/asio/ip/address.hpp>

#include "netns/address.h"

namespace berth::netns {

[[nodiscard]] inline boost::asio::ip::address to_asio(const Address& address) {
  if (!address.v6) return boost::asio::ip::address_v4(static_cast<uint32_t>(address.bits()));
  return boost::asio::ip::address_v6(address.bytes);
}

}  // namespace berth::netns
