#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/state.h"
#include "netns/firewall.h"
#include "netns/ports.h"
#include "netns/proxy.h"
#include "supervise/keeper_link.h"
#include "supervise/task.h"

namespace berth::supervise {

/// The host's ports that containers have: a socket that holds each one, kept by the keeper as well, and from the moment
/// the container has an address the rules and the proxy that lead there.
class PublishedPorts {
 public:
  PublishedPorts(asio::io_context& io, const engine::StateStore& store, KeeperLink& keeper, netns::Firewall& firewall)
      : io_(io), store_(store), keeper_(keeper), firewall_(firewall) {}

  /// Takes the ports that the record asks for and notes them in live.ports. All or none. Ok if it has them.
  /// `default_ip`: host address of those for which none is given; empty = all. Requires: both outlive the task.
  Task<void> reserve(const engine::ContainerRecord& record, std::string default_ip, engine::LiveState& live);
  /// Opens them to the container. Requires: reserve(), and where it took ports, an address in live.endpoints.
  [[nodiscard]] Status publish(const std::string& id, const engine::LiveState& live);
  /// After the container's networks have changed: where its address is another one now, they lead there.
  [[nodiscard]] Status follow(const std::string& id, engine::LiveState& live);
  /// The ports of the container `giver` that this one asks for too are its own from here on, and lead to it without a
  /// moment in which they lead nowhere; others are taken, and what it does not ask for is closed. Connections through
  /// the proxy go on until the giver's release(). Where a port cannot be taken everything stays as it was. Requires:
  /// the record's container has none yet, and an address.
  Task<void> take_over(std::string giver, engine::LiveState& giver_live, const engine::ContainerRecord& record,
                       std::string default_ip, engine::LiveState& live);
  /// Closes them; `keep_reserved` leaves the ports reserved for the next start.
  void release(const std::string& id, engine::LiveState& live, bool keep_reserved);
  /// Those of a live container that an earlier supervisor started: as the keeper kept them, or taken again.
  [[nodiscard]] Status adopt(const std::string& id, const engine::LiveState& live);

 private:
  struct Held {
    netns::PortSpec port;
    std::vector<sys::UniqueFd> sockets;
    std::unique_ptr<netns::PortProxy> proxy;
  };

  /// netns::reserve_port(), patient with a port that we have just given back, or a supervisor that has died: the keeper
  /// closes its copies of the sockets a moment after it was told to.
  Task<netns::Reservation> take(netns::PortSpec wanted);
  Task<void> hold(std::string id, netns::PortSpec wanted, engine::LiveState& live);
  /// Index of the port among `offered` that satisfies each one wanted; nothing: it has to be taken.
  [[nodiscard]] static std::vector<std::optional<size_t>> matches(const std::vector<Held>& offered,
                                                                  const std::vector<engine::PortConfig>& wanted,
                                                                  const std::string& default_ip);
  void give(Held& port, const std::string& giver, const std::string& taker, uint16_t container_port,
            engine::LiveState& live);
  /// Under which the keeper has a port's sockets.
  [[nodiscard]] static std::string key(const std::string& id, size_t index);
  /// Id of the container of ours that has this port, or "".
  [[nodiscard]] std::string publisher_of(const netns::PortSpec& wanted) const;
  [[nodiscard]] Error explained(Error in_use, const netns::PortSpec& wanted) const;
  void keep(const std::string& id, size_t index, const std::vector<sys::UniqueFd>& sockets);

  asio::io_context& io_;
  const engine::StateStore& store_;
  KeeperLink& keeper_;
  netns::Firewall& firewall_;
  std::map<std::string, std::vector<Held>> held_;                                  // by container id
  std::map<std::string, std::vector<std::unique_ptr<netns::PortProxy>>> retired_;  // of ports that were handed over
};

}  // namespace berth::supervise
