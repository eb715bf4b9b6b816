#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "netns/address.h"
#include "sys/netns.h"

namespace berth::netns {

/// One place in an OutboundNetwork.
struct OutboundLink {
  sys::Netns netns;
  std::shared_ptr<void> names;  // as long as it lives, 127.0.0.11 answers in there
};

/// A network for processes that only need a way out (steps of a build): each gets a namespace of its own with an
/// interface that is masqueraded behind the host, and the host's name servers behind 127.0.0.11. The processes do not
/// reach each other, and nobody begins a connection to them.
///
/// Nothing outlives the process that holds this, whatever ends it: an interface goes with its namespace, the rules are
/// a table that belongs to a netlink socket of ours (Linux 5.12), and names are answered by a thread. Others on the
/// same host need no arrangement with us: an address is taken by a route to it that must not be there yet.
class OutboundNetwork {
 public:
  /// In the network namespace of the calling thread. Switches forwarding on (sysctl.h). Error: the kernel cannot do it,
  /// or another firewall drops by its policy what is forwarded (Docker's FORWARD, ufw), which no rule of ours undoes.
  [[nodiscard]] static Result<OutboundNetwork> open();
  OutboundNetwork(OutboundNetwork&&) noexcept;
  OutboundNetwork& operator=(OutboundNetwork&&) noexcept;
  ~OutboundNetwork();

  /// Requires the namespace of open(). Safe for several threads.
  [[nodiscard]] Result<OutboundLink> connect();

  /// The host, as seen from within.
  [[nodiscard]] Address host_address() const;

 private:
  struct Impl;
  explicit OutboundNetwork(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;  // links hold it too
};

}  // namespace berth::netns
