// Published ports that go from a running container to the one that takes its place.

#include <algorithm>

#include "supervise/published_ports.h"

namespace berth::supervise {
namespace {

bool fits(const netns::PortSpec& held, const engine::PortConfig& wanted, const std::string& default_ip) {
  std::string ip = wanted.host_ip.empty() ? default_ip : wanted.host_ip;
  bool any = wanted.host_port == 0 && held.container_port == wanted.container_port;
  bool in_range =
      held.host_port >= wanted.host_port && held.host_port <= std::max(wanted.host_port, wanted.host_port_end);
  return netns::protocol_name(held.protocol) == wanted.protocol && held.host_ip == netns::Address::parse(ip) &&
         (any || in_range);
}

}  // namespace

void PublishedPorts::give(Held& port, const std::string& giver, const std::string& taker, uint16_t container_port,
                          engine::LiveState& live) {
  if (port.proxy) {
    port.proxy->retire();
    retired_[giver].push_back(std::move(port.proxy));
  }
  std::vector<Held>& held = held_[taker];
  keep(taker, held.size(), port.sockets);
  engine::PublishedPort published;
  published.host_ip = port.port.host_ip ? port.port.host_ip->str() : "";
  published.host_port = port.port.host_port;
  published.container_port = container_port;
  published.protocol = netns::protocol_name(port.port.protocol);
  live.ports.push_back(std::move(published));
  held.push_back({port.port, std::move(port.sockets), nullptr});
}

Status PublishedPorts::take_over(const std::string& giver, engine::LiveState& giver_live,
                                 const engine::ContainerRecord& record, const std::string& default_ip,
                                 engine::LiveState& live) {
  live.ports.clear();
  std::vector<Held>& offered = held_[giver];
  std::vector<bool> given(offered.size());
  std::vector<std::pair<size_t, uint16_t>> matches;  // index into `offered`, port of the taker
  // What only the new one asks for comes first: that may fail.
  engine::ContainerRecord more = record;
  std::erase_if(more.config.ports, [&](const engine::PortConfig& wanted) {
    for (size_t i = 0; i < offered.size(); ++i) {
      if (given[i] || !fits(offered[i].port, wanted, default_ip)) continue;
      given[i] = true;
      matches.emplace_back(i, wanted.container_port);
      return true;
    }
    return false;
  });
  if (Status taken = reserve(more, default_ip, live); !taken) return taken;
  for (const auto& [i, container_port] : matches) give(offered[i], giver, record.id, container_port, live);
  Status published = publish(record.id, live);
  std::vector<netns::PortSpec> closed;
  for (size_t i = 0; i < offered.size(); ++i) {
    keeper_.drop(key(giver, i));
    if (given[i]) continue;
    closed.push_back(offered[i].port);
    given_back_.emplace(offered[i].port.protocol, offered[i].port.host_port);
  }
  if (!closed.empty()) (void)firewall_.unpublish(closed);  // as in release()
  held_.erase(giver);
  giver_live.ports.clear();
  return published;
}

}  // namespace berth::supervise
