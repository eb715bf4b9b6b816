#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "netns/nft_render.h"
#include "netns/spec.h"
#include "sys/fd.h"

namespace berth::netns {

/// What the kernel holds now.
struct ObservedFirewall {
  bool present = false;              // our table is there
  std::vector<std::string> bridges;  // sorted
  std::vector<std::string> ports;    // sorted; "tcp/8080", "192.0.2.1/udp/53"
};

/// The host's rules of one state root: one table, `inet berth_<tag>`, which exists as long as there is a network.
///
/// It lets the networks out (masqueraded), keeps them from each other and `internal` ones from everything, translates
/// published ports for traffic from outside, from containers and from the host's own addresses (never from 127.0.0.0/8:
/// the proxy serves that), and drops what comes from outside for anything that is not published. What it accepts passes
/// the firewalls of others, too, as far as they can be reached (other_firewalls.h).
///
/// Each operation is one transaction: all of it happens or nothing. The state is kept here as well; when somebody else
/// touches the table (flushes the ruleset), or an incremental change fails because a crash left something else, the
/// whole table is rebuilt from it in one go.
///
/// The first network switches net.ipv4.ip_forward on if it was off, the first one with IPv6 the forwarding of that. It
/// is not switched back, because others may have come to need it.
///
/// Works on the network namespace of the thread that makes it. Not thread-safe; single-threaded use by the supervisor.
/// The rules library (libnftables) is loaded on first use or by load_ahead(), not with the program.
class Firewall {
 public:
  /// Touches nothing yet. `tag` is sys::Paths::tag().
  explicit Firewall(const std::string& tag);
  /// Loads the rules library in a thread of its own, so that the first network need not wait for it.
  void load_ahead();
  ~Firewall();
  Firewall(Firewall&&) noexcept;
  Firewall& operator=(Firewall&&) noexcept;

  [[nodiscard]] Status add_network(const NetworkSpec& network);
  /// Ok if it is not there. The network's ports must be unpublished before.
  [[nodiscard]] Status remove_network(const std::string& network_id);
  /// Requires: the network of each container address is there. Publishing the same again is Ok; a port that was
  /// published to another container moves. Flows of UDP that a port had before are cut over.
  [[nodiscard]] Status publish(const std::vector<PortSpec>& ports);
  [[nodiscard]] Status unpublish(const std::vector<PortSpec>& ports);
  /// Makes the table exactly this (after a crash, a restart of the supervisor, a flush); deletes it without networks.
  [[nodiscard]] Status replace_all(FirewallState state);

  /// Readable when somebody else may have changed something: repair() then. Invalid before the first network.
  [[nodiscard]] sys::FdRef watched() const;
  /// Makes good what others have done to our table, or to our rules in theirs. Ok if there was nothing to do. After an
  /// error the next call tries again.
  [[nodiscard]] Status repair();
  /// What drops packets of containers, and cannot be changed from here: each with the cure as a hint.
  [[nodiscard]] const std::vector<Error>& obstacles() const;

  [[nodiscard]] Result<ObservedFirewall> observe();
  [[nodiscard]] const FirewallState& state() const;
  [[nodiscard]] const std::string& table() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// True for the one error that says the kernel (or the machine) has no nftables: the caller may go on, with published
/// ports through the proxy only and no way out for containers.
[[nodiscard]] bool firewall_unavailable(const Error& error);

}  // namespace berth::netns
