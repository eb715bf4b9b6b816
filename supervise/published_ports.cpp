#include "supervise/published_ports.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "supervise/address_book.h"

namespace berth::supervise {
namespace {

using engine::ContainerRecord;
using engine::LiveState;

constexpr auto kDyingHolds = std::chrono::seconds(1);
constexpr auto kPause = std::chrono::milliseconds(5);

netns::Protocol protocol_of(const std::string& name) {
  return netns::parse_protocol(name).value_or(netns::Protocol::tcp);
}

/// Where published ports lead: of each family, the first address on a network that has a way in.
std::vector<netns::Address> way_in(const LiveState& live) {
  std::vector<netns::Address> out;
  for (const engine::EndpointState& endpoint : live.endpoints) {
    if (endpoint.internal) continue;
    for (const netns::Address& address : addresses_of(endpoint)) {
      const bool known =
          std::any_of(out.begin(), out.end(), [&](const netns::Address& other) { return other.v6 == address.v6; });
      if (!known) out.push_back(address);
    }
  }
  return out;
}

/// The published ports of a container with the addresses they lead to (none before it has any).
std::vector<netns::PortSpec> port_specs(const LiveState& live) {
  std::vector<netns::PortSpec> specs;
  const std::vector<netns::Address> addresses = way_in(live);
  for (const engine::PublishedPort& port : live.ports) {
    netns::PortSpec spec;
    spec.host_ip = netns::Address::parse(port.host_ip);
    spec.host_port = port.host_port;
    spec.protocol = protocol_of(port.protocol);
    spec.container_port = port.container_port;
    spec.container = addresses;
    specs.push_back(spec);
  }
  return specs;
}

}  // namespace

std::string PublishedPorts::key(const std::string& id, size_t index) {
  return fmt::format("port/{}/{}", id, index);
}

void PublishedPorts::keep(const std::string& id, size_t index, const std::vector<sys::UniqueFd>& sockets) {
  std::vector<sys::FdRef> fds;
  for (const sys::UniqueFd& socket : sockets) fds.push_back(socket.ref());
  keeper_.store(key(id, index), fds);
}

std::string PublishedPorts::publisher_of(const netns::PortSpec& wanted) const {
  for (const auto& [id, held] : held_) {
    for (const Held& port : held) {
      if (port.port.host_port == wanted.host_port && port.port.protocol == wanted.protocol) return id;
    }
  }
  return {};
}

Task<netns::Reservation> PublishedPorts::take(netns::PortSpec wanted) {
  Result<netns::Reservation> taken = netns::reserve_port(wanted);
  const bool may_be_ours = !taken && taken.error().code == EADDRINUSE;
  if (may_be_ours && co_await keeper_.catch_up()) taken = netns::reserve_port(wanted);
  // What an earlier supervisor was just starting has copies of its sockets until it notices that it is alone; and what
  // was on its way to the keeper when both died is held by nobody until the kernel has taken the message apart.
  asio::steady_timer pause(io_);
  const auto give_up = std::chrono::steady_clock::now() + kDyingHolds;
  while (!taken && taken.error().code == EADDRINUSE && publisher_of(wanted).empty() &&
         std::chrono::steady_clock::now() < give_up) {
    const std::string holder = netns::find_port_holder(wanted.protocol, wanted.host_port);
    if (!holder.empty() && !holder.starts_with("berth-")) break;
    pause.expires_after(kPause);
    (void)co_await pause.async_wait(kAwait);
    taken = netns::reserve_port(wanted);
  }
  co_return taken;
}

Task<void> PublishedPorts::hold(std::string id, netns::PortSpec wanted, LiveState& live) {
  BERTH_CO_TRY(netns::Reservation reservation, co_await take(wanted));
  std::vector<Held>& held = held_[id];
  keep(id, held.size(), reservation.sockets);
  engine::PublishedPort published;
  published.host_ip = wanted.host_ip ? wanted.host_ip->str() : "";
  published.host_port = reservation.port.host_port;
  published.container_port = wanted.container_port;
  published.protocol = netns::protocol_name(wanted.protocol);
  live.ports.push_back(std::move(published));
  held.push_back({reservation.port, std::move(reservation.sockets), nullptr});
  co_return Status();
}

Task<void> PublishedPorts::reserve(const ContainerRecord& record, std::string default_ip, LiveState& live) {
  if (held_.contains(record.id) || record.config.ports.empty()) co_return Status();
  live.ports.clear();
  for (const engine::PortConfig& port : record.config.ports) {
    netns::PortSpec wanted;
    wanted.host_ip = netns::Address::parse(port.host_ip.empty() ? default_ip : port.host_ip);
    wanted.protocol = protocol_of(port.protocol);
    wanted.container_port = port.container_port;
    Status held;
    for (int candidate = port.host_port; candidate <= std::max<int>(port.host_port, port.host_port_end); ++candidate) {
      wanted.host_port = static_cast<uint16_t>(candidate);
      held = co_await hold(record.id, wanted, live);
      if (held || held.error().code != EADDRINUSE) break;
    }
    if (held) continue;
    if (held.error().code == EADDRINUSE) held = explained(std::move(held).error(), wanted);
    release(record.id, live, false);
    if (!port.place.empty()) held = std::move(held).context("{}", port.place);
    co_return held;
  }
  co_return store_.write(record.id, live);
}

/// The keeper holds our own sockets; the container that they are for says more.
Error PublishedPorts::explained(Error in_use, const netns::PortSpec& wanted) const {
  const std::string holder = publisher_of(wanted);
  if (holder.empty()) return in_use;
  Result<engine::Container> other = store_.read(holder);
  if (!other) return in_use;
  const std::string& project = other->record.project;
  return make_error(fmt::format("port {}/{} is already published by container {}{}", wanted.host_port,
                                netns::protocol_name(wanted.protocol), other->record.name,
                                project.empty() ? "" : " of project " + project),
                    "publish another host port, or stop that container");
}

Status PublishedPorts::publish(const std::string& id, const LiveState& live) {
  auto held = held_.find(id);
  if (held == held_.end()) return {};
  std::vector<netns::PortSpec> specs = port_specs(live);
  Status ruled = firewall_.publish(specs);
  if (!ruled && !netns::firewall_unavailable(ruled.error())) return ruled;
  for (size_t i = 0; i < held->second.size() && i < specs.size(); ++i) {
    Held& port = held->second[i];
    port.port = specs[i];
    std::vector<sys::UniqueFd> copies;
    for (const sys::UniqueFd& socket : port.sockets) copies.emplace_back(fcntl(socket.get(), F_DUPFD_CLOEXEC, 10));
    BERTH_TRY(port.proxy, netns::PortProxy::start(io_, port.port, std::move(copies)));
  }
  return {};
}

Status PublishedPorts::follow(const std::string& id, LiveState& live) {
  auto held = held_.find(id);
  if (held == held_.end()) return {};
  std::vector<netns::PortSpec> now = port_specs(live), published;
  for (const Held& port : held->second) published.push_back(port.port);
  if (now == published) return {};
  release(id, live, true);
  return publish(id, live);
}

void PublishedPorts::release(const std::string& id, LiveState& live, bool keep_reserved) {
  retired_.erase(id);
  auto held = held_.find(id);
  if (held == held_.end()) {  // an earlier supervisor's at most
    for (size_t i = 0; i < live.ports.size(); ++i) keeper_.drop(key(id, i));
    return;
  }
  std::vector<netns::PortSpec> published;
  for (Held& port : held->second) {
    if (port.proxy) published.push_back(port.port);
    port.proxy.reset();
  }
  // A rule that cannot be removed now goes with the next rebuild of the table; there is nobody to tell here.
  if (!published.empty()) (void)firewall_.unpublish(published);
  if (keep_reserved) return;
  for (size_t i = 0; i < held->second.size(); ++i) keeper_.drop(key(id, i));
  held_.erase(held);
  live.ports.clear();
}

Status PublishedPorts::adopt(const std::string& id, const LiveState& live) {
  std::vector<netns::PortSpec> specs = port_specs(live);
  for (size_t i = 0; i < specs.size(); ++i) {
    std::vector<sys::UniqueFd> sockets = keeper_.stored(key(id, i));
    if (sockets.empty()) {  // the keeper was lost as well
      BERTH_TRY(netns::Reservation again, netns::reserve_port(specs[i]));
      sockets = std::move(again.sockets);
      keep(id, i, sockets);
    }
    held_[id].push_back({specs[i], std::move(sockets), nullptr});
  }
  return publish(id, live);
}

}  // namespace berth::supervise
