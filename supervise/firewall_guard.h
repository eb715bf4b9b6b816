#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <optional>
#include <string>
#include <vector>

#include "netns/firewall.h"
#include "supervise/task.h"

namespace berth::supervise {

/// Mends the host's rules as soon as somebody else has flushed or reloaded them.
class FirewallGuard {
 public:
  FirewallGuard(asio::io_context& io, netns::Firewall& firewall) : io_(io), firewall_(firewall) {}

  /// Begins, if there is anything to guard yet; again is fine.
  void start();

  /// As start(); warnings are due.
  void network_created();
  /// What drops packets of networks created since the last call, and the cure; for who created them.
  [[nodiscard]] std::vector<std::string> take_warnings();

 private:
  Work guard();

  asio::io_context& io_;
  netns::Firewall& firewall_;
  bool warnings_due_ = false;
  std::optional<asio::posix::stream_descriptor> events_;
};

}  // namespace berth::supervise
