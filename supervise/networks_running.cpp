// What an endpoint is made of, and how the endpoints of a container that runs change.

#include <fmt/core.h>

#include <algorithm>

#include "engine/endpoints.h"
#include "engine/network_driver.h"
#include "engine/predefined_network.h"
#include "engine/run_spec.h"
#include "netns/dns_door.h"
#include "netns/links.h"
#include "netns/parent_link.h"
#include "supervise/networks.h"

namespace berth::supervise {
namespace {

using engine::AttachmentConfig;
using engine::ContainerRecord;
using engine::EndpointState;
using engine::LiveState;

std::vector<std::string> networks_of(const LiveState& live) {
  std::vector<std::string> names;
  for (const EndpointState& endpoint : live.endpoints) names.push_back(endpoint.network);
  return names;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool routes(const netns::EndpointSpec& endpoint) {
  return !endpoint.gateways.empty();
}

/// What is there and has to go, what is to come, and where the default route is then.
netns::Rewiring difference(const std::vector<EndpointState>& before, const LiveState& live,
                           const std::vector<netns::EndpointSpec>& endpoints) {
  netns::Rewiring changes;
  const std::vector<std::string> staying = networks_of(live);
  for (const EndpointState& old : before) {
    if (contains(staying, old.network)) continue;
    if (old.host_interface.empty())
      changes.links.push_back(old.interface);
    else
      changes.host_links.push_back(old.host_interface);
  }
  for (size_t i = 0; i < endpoints.size(); ++i) {
    if (live.endpoints[i].pending)
      changes.connect.push_back(endpoints[i]);
    else if (routes(endpoints[i]) && changes.links.size() + changes.host_links.size() > 0)
      changes.routes.push_back(endpoints[i]);
  }
  return changes;
}

}  // namespace

bool has_way_in(const netns::NetworkSpec& network) {
  return !network.internal && network.driver == netns::Driver::bridge;
}

std::string host_link(const netns::EndpointSpec& endpoint) {
  if (endpoint.driver != netns::Driver::bridge) return "";
  return netns::host_interface_name(endpoint.container_id, endpoint.network_id);
}

Result<std::vector<std::string>> Networks::name_interfaces(const std::vector<AttachmentConfig>& attachments,
                                                           const std::vector<EndpointState>& there) const {
  std::vector<std::string> prefixes;
  for (const AttachmentConfig& attachment : attachments) {
    auto network = networks_.find(attachment.network);
    prefixes.push_back(
        network == networks_.end() ? "eth" : engine::read_driver(network->second.record.config).interface_prefix);
  }
  return engine::interface_names(attachments, prefixes, there);
}

netns::EndpointSpec Networks::endpoint_of(const ContainerRecord& record, const Network& network,
                                          const AttachmentConfig& attachment, const std::string& interface) {
  netns::EndpointSpec endpoint;
  endpoint.container_id = record.id;
  endpoint.network_id = network.spec.id;
  endpoint.driver = network.spec.driver;
  endpoint.bridge = network.spec.bridge;
  endpoint.parent = network.spec.parent;
  endpoint.interface = interface;
  endpoint.mac = netns::Mac::parse(attachment.mac_address);
  endpoint.mtu = network.spec.mtu;
  endpoint.icc = network.spec.icc;
  for (auto& [key, value] : engine::read_endpoint_options(attachment.options).sysctls) {
    std::string path = key;
    path.replace(path.find("IFNAME"), 6, interface);
    endpoint.sysctls.emplace_back(std::move(path), value);
  }
  return endpoint;
}

/// The default route of each family goes by one of the networks that lead out.
void Networks::choose_way_out(const std::vector<AttachmentConfig>& attachments,
                              std::vector<netns::EndpointSpec>& endpoints) const {
  for (const bool v6 : {false, true}) {
    std::optional<size_t> best;
    for (size_t i = 0; i < attachments.size(); ++i) {
      const netns::NetworkSpec& spec = networks_.at(attachments[i].network).spec;
      if (spec.internal || spec.block(v6) == nullptr) continue;
      if (!best || engine::routes_before(attachments[i], attachments[*best])) best = i;
    }
    if (!best) continue;
    const netns::NetworkSpec& spec = networks_.at(attachments[*best].network).spec;
    endpoints[*best].gateways.push_back(spec.block(v6)->gateway);
    endpoints[*best].on_link = netns::routes_by_interface(spec);
  }
}

void Networks::forget(const ContainerRecord& record, const EndpointState& endpoint) {
  auto network = networks_.find(endpoint.network);
  if (network == networks_.end()) return;
  zone_.remove_endpoint(network->second.spec.id, record.id);
  network->second.addresses.release(record.id);
}

/// The container's DNS sees its networks as they are now; one that had no network yet gets its sockets.
Status Networks::answer_names(const ContainerRecord& record, const sys::Netns& netns) {
  netns::DnsView view = view_of(record, netns.fd());
  Status seen = dns_.set_view(record.id, view);
  if (seen || record.config.attachments.empty()) return {};
  BERTH_TRY(netns::DnsSockets sockets, netns::reopen_dns_door(netns));
  keeper_.store("dns/" + record.id, {sockets.udp.ref(), sockets.tcp.ref()});
  return dns_.add_listener(record.id, std::move(sockets.udp), std::move(sockets.tcp), std::move(view));
}

void Networks::answer_to(const ContainerRecord& record, const LiveState& live) {
  declare(record);
  if (live.alive()) register_names(record, live);
}

Task<void> Networks::hand_over(const ContainerRecord& from, LiveState& from_live, const ContainerRecord& to,
                               LiveState& to_live) {
  if (std::optional<std::string> default_ip = default_ip_of(to))
    BERTH_CO_TRY_OK(co_await ports_.take_over(from.id, from_live, to, *default_ip, to_live));
  for (const EndpointState& endpoint : from_live.endpoints) {
    auto network = networks_.find(endpoint.network);
    if (network != networks_.end()) zone_.remove_endpoint(network->second.spec.id, from.id);
  }
  register_names(to, to_live);
  co_return Status();
}

bool Networks::unfinished(const ContainerRecord& record, const LiveState& live) {
  const std::vector<std::string> there = networks_of(live);
  const std::vector<AttachmentConfig>& wanted = record.config.attachments;
  return wanted.size() != there.size() ||
         std::any_of(wanted.begin(), wanted.end(), [&](const auto& one) { return !contains(there, one.network); }) ||
         std::any_of(live.endpoints.begin(), live.endpoints.end(), [](const auto& one) { return one.pending; });
}

Task<void> Networks::reconnect(const ContainerRecord& record, LiveState& live) {
  const sys::ProcessIdentity process = live.process;
  BERTH_CO_TRY(const sys::Netns netns, sys::Netns::open(fmt::format("/proc/{}/ns/net", process.pid)));
  const std::vector<EndpointState> before = live.endpoints;
  Result<std::vector<netns::EndpointSpec>> endpoints = plan_endpoints(record, live, true);
  if (!endpoints) {
    live.endpoints = before;
    drop_default_bridge();
    co_return std::move(endpoints).error();
  }
  const netns::Rewiring changes = difference(before, live, *endpoints);
  BERTH_CO_TRY_OK(store_.write(record.id, live));  // on record before it exists
  std::function<Result<void>()> work = [&netns, &changes] { return netns::rewire(netns.fd(), changes); };
  Status done = co_await on_pool<void>(pool_, std::move(work));
  const bool over = live.process.pid != process.pid || live.process.start_time != process.start_time;
  if (over) co_return Status();  // release() has taken back what there was
  for (const EndpointState& old : before) {
    if (!contains(networks_of(live), old.network)) forget(record, old);
  }
  drop_default_bridge();
  if (!done) co_return std::move(done);
  for (EndpointState& endpoint : live.endpoints) endpoint.pending = false;
  register_names(record, live);
  BERTH_CO_TRY_OK(answer_names(record, netns));
  BERTH_CO_TRY_OK(engine::update_network_files(record, before, live, store_.paths()));
  BERTH_CO_TRY_OK(ports_.follow(record.id, live));
  co_return store_.write(record.id, live);
}

Status Networks::make_default_bridge() {
  if (networks_.contains(engine::kDefaultBridge)) return {};
  engine::NetworkRecord record = engine::predefined_record(store_.paths(), engine::kDefaultBridge);
  // Docker's own block, if nobody has it.
  record.config.ipam.emplace_back().subnet = "172.17.0.0/16";
  if (create(record)) return {};
  record.config.ipam.clear();
  return create(std::move(record));
}

void Networks::drop_default_bridge() {
  auto found = networks_.find(engine::kDefaultBridge);
  if (found == networks_.end() || found->second.addresses.count() != 0) return;
  const netns::NetworkSpec spec = found->second.spec;
  Status removed = unmake(spec, found->second.record.keep_interface);
  zone_.remove_network(spec.id);
  networks_.erase(found);
  if (removed) removed = store_.remove_network(engine::kDefaultBridge);
  if (!removed) fmt::print(stderr, "berth-supervisor: {}\n", removed.error().message());
}

}  // namespace berth::supervise
