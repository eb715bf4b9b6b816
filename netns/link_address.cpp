#include "netns/link_address.h"

#include <sys/socket.h>

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include <cerrno>

namespace berth::netns {

uint8_t family_of(const Address& address) {
  return address.v6 ? AF_INET6 : AF_INET;
}

void add_address(NetlinkBatch& batch, const InterfaceAddress& entry, const std::string& interface, uint32_t index) {
  const Address& address = entry.address;
  batch.begin(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, fmt::format("address {} on {}", address.str(), interface),
              EEXIST);
  batch.fixed(ifaddrmsg{.ifa_family = family_of(address),
                        .ifa_prefixlen = static_cast<uint8_t>(entry.prefix),
                        .ifa_flags = static_cast<uint8_t>(address.v6 ? IFA_F_NODAD : 0),
                        .ifa_index = index});
  batch.address(IFA_LOCAL, address);
  batch.address(IFA_ADDRESS, address);
  if (!address.v6) batch.address(IFA_BROADCAST, Subnet::of(address, entry.prefix).last());
}

}  // namespace berth::netns
