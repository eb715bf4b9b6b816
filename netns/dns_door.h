#pragma once

#include <cstdint>

#include "base/result.h"
#include "netns/links.h"
#include "sys/fd.h"
#include "sys/netns.h"

namespace berth::netns {

/// The two sockets behind 127.0.0.11 and how they are reached.
struct DnsSockets {
  sys::UniqueFd udp;
  sys::UniqueFd tcp;
  DnsDoor door = DnsDoor::none;
};

/// Opens the DNS sockets in the network namespace of the calling thread, whose lo must be up, and translates
/// 127.0.0.11:53 to them. Port 53 itself is not bound if it can be helped: a container with its own server on
/// 0.0.0.0:53 would get EADDRINUSE, even with SO_REUSEADDR.
[[nodiscard]] Result<DnsSockets> open_dns_door();

/// The same for the namespace of a container that runs already and whose sockets were lost: what translated to them is
/// replaced.
[[nodiscard]] Result<DnsSockets> reopen_dns_door(const sys::Netns& netns);

}  // namespace berth::netns
