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

std::vector<std::optional<size_t>> PublishedPorts::matches(const std::vector<Held>& offered,
                                                           const std::vector<engine::PortConfig>& wanted,
                                                           const std::string& default_ip) {
  std::vector<bool> given(offered.size());
  std::vector<std::optional<size_t>> found;
  for (const engine::PortConfig& port : wanted) {
    found.emplace_back();
    for (size_t i = 0; i < offered.size() && !found.back(); ++i) {
      if (given[i] || !fits(offered[i].port, port, default_ip)) continue;
      given[i] = true;
      found.back() = i;
    }
  }
  return found;
}

Task<void> PublishedPorts::take_over(std::string giver, engine::LiveState& giver_live,
                                     const engine::ContainerRecord& record, std::string default_ip,
                                     engine::LiveState& live) {
  live.ports.clear();
  const std::vector<engine::PortConfig>& wanted = record.config.ports;
  // What only the new one asks for comes first: that may fail.
  engine::ContainerRecord more = record;
  more.config.ports.clear();
  std::vector<std::optional<size_t>> found = matches(held_[giver], wanted, default_ip);
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (!found[i]) more.config.ports.push_back(wanted[i]);
  }
  BERTH_CO_TRY_OK(co_await reserve(more, default_ip, live));
  std::vector<Held> offered = std::move(held_[giver]);
  held_.erase(giver);
  if (offered.empty() && !giver_live.alive()) co_return publish(record.id, live);  // it has ended meanwhile
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (found[i] && *found[i] < offered.size())
      give(offered[*found[i]], giver, record.id, wanted[i].container_port, live);
  }
  Status published = publish(record.id, live);
  std::vector<netns::PortSpec> closed;
  for (size_t i = 0; i < offered.size(); ++i) {
    keeper_.drop(key(giver, i));
    if (!offered[i].sockets.empty()) closed.push_back(offered[i].port);
  }
  if (!closed.empty()) (void)firewall_.unpublish(closed);  // as in release()
  giver_live.ports.clear();
  co_return published;
}

}  // namespace berth::supervise
