#pragma once

#include <string>
#include <vector>

#include "netns/spec.h"

namespace berth::netns {

/// What the host's rules are made from: nothing but networks and published ports.
struct FirewallState {
  std::vector<NetworkSpec> networks;
  std::vector<PortSpec> ports;
};

// Pure text in the language of nft(8). The rules themselves are the same for every state; networks and ports are only
// elements of sets and maps, so that their number costs nothing per packet.

/// One transaction that replaces the table, whatever it was, by this state; without networks, deletes it.
[[nodiscard]] std::string render_replace(const std::string& table, const FirewallState& state);
/// Deletes the table, Ok if there is none.
[[nodiscard]] std::string render_delete(const std::string& table);

[[nodiscard]] std::string render_add_network(const std::string& table, const NetworkSpec& network);
[[nodiscard]] std::string render_remove_network(const std::string& table, const NetworkSpec& network);
[[nodiscard]] std::string render_publish(const std::string& table, const std::vector<PortSpec>& ports);
[[nodiscard]] std::string render_unpublish(const std::string& table, const std::vector<PortSpec>& ports);

}  // namespace berth::netns
