#include "supervise/networks.h"

#include <fmt/core.h>
#include <net/if.h>

#include <algorithm>

#include "base/text.h"
#include "engine/endpoints.h"
#include "engine/network_driver.h"
#include "engine/predefined_network.h"
#include "netns/dns_door.h"
#include "netns/ipam.h"
#include "netns/links.h"
#include "netns/parent_link.h"
#include "sys/file.h"

namespace berth::supervise {
namespace {

using engine::AttachmentConfig;
using engine::ContainerRecord;
using engine::EndpointState;
using engine::in_order;
using engine::LiveState;

std::string dns_key(const std::string& id) {
  return "dns/" + id;
}

/// The id, and the interface on the host where the user has not chosen one.
void choose_interface(netns::NetworkSpec& spec, const std::string& id) {
  spec.id = id;
  if (spec.driver == netns::Driver::bridge && spec.bridge.empty()) spec.bridge = netns::bridge_name(id);
  if (spec.driver != netns::Driver::bridge && spec.parent.interface.empty())
    spec.parent.interface = netns::dummy_name(spec.driver, id);
}

}  // namespace

Networks::Networks(asio::io_context& io, asio::thread_pool& pool, const engine::StateStore& store, KeeperLink& keeper)
    : io_(io),
      pool_(pool),
      store_(store),
      keeper_(keeper),
      firewall_(store.paths().tag()),
      dns_(io, zone_),
      ports_(io, store, keeper, firewall_) {}

Result<netns::NetworkSpec> Networks::plan_network(const engine::NetworkConfig& config, const std::string& id) const {
  netns::AddressRequest request;
  auto parse = [&](const std::string& text, auto parser, auto& out, const char* what) -> Status {
    if (text.empty()) return {};
    out = parser(text);
    if (!out) return make_error(fmt::format("network {}: {} \"{}\" is no IPv4 {}", config.name, what, text, what));
    return {};
  };
  BERTH_TRY_OK(parse(config.subnet, netns::Subnet::parse, request.subnet, "subnet"));
  BERTH_TRY_OK(parse(config.gateway, netns::Ipv4::parse, request.gateway, "gateway"));
  BERTH_TRY_OK(parse(config.ip_range, netns::Subnet::parse, request.ip_range, "ip_range"));
  for (const auto& [name, text] : config.aux_addresses) {
    std::optional<netns::Ipv4> address;
    BERTH_TRY_OK(parse(text, netns::Ipv4::parse, address, "aux address"));
    if (address) request.aux.emplace_back(name, *address);
  }
  engine::NetworkDriver driver = engine::read_driver(config);
  if (!driver.errors.empty()) return driver.errors.front();
  std::vector<netns::Occupied> occupied;
  // A macvlan's addresses are those of the network that its parent is on.
  if (driver.spec.driver == netns::Driver::bridge || !request.subnet) {
    std::vector<std::string> bridges;
    for (const auto& [name, network] : networks_) bridges.push_back(network.spec.bridge);
    BERTH_TRY(occupied, netns::observe_host_prefixes(bridges));
  }
  for (const auto& [name, network] : networks_) {
    occupied.push_back({network.spec.subnet, netns::Occupied::Kind::network, "network " + name});
  }
  BERTH_TRY(netns::AddressPlan plan, netns::plan_addresses(request, netns::default_pools(), occupied));

  netns::NetworkSpec spec = std::move(driver.spec);
  choose_interface(spec, id);
  spec.enable_ipv6 = config.enable_ipv6;
  spec.subnet = plan.subnet;
  spec.gateway = plan.gateway;
  spec.ip_range = plan.ip_range;
  spec.aux = plan.aux;
  BERTH_TRY_OK(netns::validate(spec));
  return spec;
}

Status Networks::create(const engine::NetworkConfig& config, const std::string& project) {
  if (networks_.contains(config.name)) return {};
  engine::NetworkRecord record;
  record.id = sys::random_hex(32);
  record.project = project;
  record.config = config;
  return create(std::move(record));
}

Status Networks::create(engine::NetworkRecord record) {
  const engine::NetworkConfig& config = record.config;
  record.created_ns = wall_clock_ns();
  BERTH_TRY(netns::NetworkSpec spec, plan_network(config, record.id));
  record.bridge = netns::host_interface(spec);
  record.keep_interface = if_nametoindex(record.bridge.c_str()) != 0;
  record.subnet = spec.subnet.str();
  record.gateway = spec.gateway.str();
  // On record before it exists: whatever happens next, `down` finds it.
  BERTH_TRY_OK(store_.write(record));
  Status made = make(spec);
  if (!made) {
    (void)unmake(spec, record.keep_interface);  // the first error is the one to tell
    (void)store_.remove_network(config.name);
    return std::move(made).context("network {}", config.name);
  }
  know(std::move(record), std::move(spec));
  return {};
}

Status Networks::make(const netns::NetworkSpec& spec) {
  if (spec.driver != netns::Driver::bridge) {
    for (const auto& [name, other] : networks_) {
      bool together = other.spec.driver == spec.driver && other.spec.parent.interface == spec.parent.interface;
      if (together && (netns::is_passthru(spec) || netns::is_passthru(other.spec)))
        return make_error(
            fmt::format("mode passthru shares {} with nobody, but network {} is on it", spec.parent.interface, name));
    }
    return netns::create_parent(spec);
  }
  BERTH_TRY_OK(netns::create_bridge(spec));
  Status ruled = firewall_.add_network(spec);
  return ruled || netns::firewall_unavailable(ruled.error()) ? Status() : std::move(ruled);
}

Status Networks::unmake(const netns::NetworkSpec& spec, bool keep_interface) {
  if (spec.driver == netns::Driver::bridge) {
    Status ruled = firewall_.remove_network(spec.id);
    if (!ruled && !netns::firewall_unavailable(ruled.error())) return ruled;
  }
  return keep_interface ? Status() : netns::remove_links({netns::host_interface(spec)});
}

void Networks::know(engine::NetworkRecord record, netns::NetworkSpec spec) {
  zone_.add_network(spec.id, spec.name, {spec.subnet});
  Network network{std::move(record), std::move(spec), {}, {}};
  networks_[network.spec.name] = std::move(network);
}

Status Networks::remove(const std::string& name) {
  auto found = networks_.find(name);
  if (found == networks_.end()) return store_.remove_network(name);
  netns::NetworkSpec spec = found->second.spec;
  if (!found->second.addresses.empty()) {
    return make_error(
        fmt::format("error while removing network: network {} id {} has active endpoints", name, spec.id));
  }
  BERTH_TRY_OK(unmake(spec, found->second.record.keep_interface).context("network {}", name));
  zone_.remove_network(spec.id);
  networks_.erase(found);
  return store_.remove_network(name);
}

Status Networks::adopt_networks(const std::vector<engine::NetworkRecord>& records) {
  netns::FirewallState state;
  for (const engine::NetworkRecord& record : records) {
    netns::NetworkSpec spec = engine::read_driver(record.config).spec;
    spec.bridge.clear();  // as it was made, not as it would be now
    (spec.driver == netns::Driver::bridge ? spec.bridge : spec.parent.interface) = record.bridge;
    choose_interface(spec, record.id);
    std::optional<netns::Subnet> subnet = netns::Subnet::parse(record.subnet);
    std::optional<netns::Ipv4> gateway = netns::Ipv4::parse(record.gateway);
    if (!subnet || !gateway) continue;  // a torn record: `down` removes it by name
    spec.subnet = *subnet;
    spec.gateway = *gateway;
    spec.ip_range = netns::Subnet::parse(record.config.ip_range);
    for (const auto& [name, text] : record.config.aux_addresses) {
      if (std::optional<netns::Ipv4> aux = netns::Ipv4::parse(text)) spec.aux.emplace_back(name, *aux);
    }
    if (if_nametoindex(record.bridge.c_str()) == 0) {  // after a reboot
      BERTH_TRY_OK(spec.driver == netns::Driver::bridge ? netns::create_bridge(spec) : netns::create_parent(spec));
    }
    if (spec.driver == netns::Driver::bridge) state.networks.push_back(spec);
    know(record, std::move(spec));
  }
  if (state.networks.empty()) return {};
  Status ruled = firewall_.replace_all(std::move(state));
  return ruled || netns::firewall_unavailable(ruled.error()) ? Status() : std::move(ruled);
}

void Networks::declare(const std::string& project, const std::vector<std::string>& services) {
  zone_.declare(project, services);
}
void Networks::undeclare(const std::string& project) {
  zone_.undeclare(project);
}

Result<Networks::Network*> Networks::find(const std::string& name) {
  if (name == engine::kDefaultBridge) BERTH_TRY_OK(make_default_bridge());
  auto found = networks_.find(name);
  if (found == networks_.end()) return make_error(fmt::format("network {} not found", name));
  return &found->second;
}

Result<std::vector<netns::EndpointSpec>> Networks::plan_endpoints(const ContainerRecord& record, LiveState& live,
                                                                  bool running) {
  std::vector<netns::EndpointSpec> endpoints;
  std::vector<EndpointState> before = std::move(live.endpoints);
  live.endpoints.clear();
  const std::vector<AttachmentConfig> attachments = in_order(record.config.attachments);
  BERTH_TRY(const std::vector<std::string> interfaces,
            name_interfaces(attachments, running ? before : std::vector<EndpointState>()));
  for (const AttachmentConfig& attachment : attachments) {
    BERTH_TRY(Network * network, find(attachment.network));
    std::vector<netns::Ipv4> in_use;
    for (const auto& [id, address] : network->addresses) {
      if (id != record.id) in_use.push_back(address);
    }
    // The address asked for, else the one it had, else the next.
    std::optional<netns::Ipv4> address = netns::Ipv4::parse(attachment.ipv4_address);
    if (!attachment.ipv4_address.empty() && !address) {
      return make_error(fmt::format("ipv4_address \"{}\" is no IPv4 address", attachment.ipv4_address));
    }
    if (address) BERTH_TRY_OK(netns::check_address(network->spec, *address, in_use));
    for (const EndpointState& old : before) {
      std::optional<netns::Ipv4> had = netns::Ipv4::parse(old.address);
      if (!address && old.network == attachment.network && had && netns::check_address(network->spec, *had, in_use))
        address = had;
    }
    if (!address) {
      BERTH_TRY(address, netns::choose_address(network->spec, in_use, network->last_given));
      network->last_given = address;
    }
    network->addresses[record.id] = *address;

    netns::EndpointSpec endpoint = endpoint_of(record, *network, attachment, interfaces[endpoints.size()]);
    endpoint.address = *address;
    endpoint.prefix = network->spec.subnet.prefix;
    auto old = std::find_if(before.begin(), before.end(),
                            [&](const EndpointState& state) { return state.network == attachment.network; });
    EndpointState state{.network = attachment.network,
                        .interface = endpoint.interface,
                        .host_interface = host_link(endpoint),
                        .address = address->str(),
                        .mac = endpoint.mac.value_or(netns::Mac::of(*address)).str(),
                        .pending = running && (old == before.end() || old->pending)};
    live.endpoints.push_back(std::move(state));
    endpoints.push_back(std::move(endpoint));
  }
  choose_way_out(attachments, endpoints);
  return endpoints;
}

void Networks::register_names(const ContainerRecord& record, const LiveState& live) {
  for (const EndpointState& endpoint : live.endpoints) {
    auto network = networks_.find(endpoint.network);
    std::optional<netns::Ipv4> address = netns::Ipv4::parse(endpoint.address);
    if (network == networks_.end() || !address) continue;
    netns::EndpointNames names;
    names.endpoint = record.id;
    names.pointer = record.name;
    names.names = {record.name, record.short_id()};
    if (!record.config.hostname.empty()) names.names.push_back(record.config.hostname);
    for (const AttachmentConfig& attachment : record.config.attachments) {
      if (attachment.network == endpoint.network) {
        names.names.insert(names.names.end(), attachment.aliases.begin(), attachment.aliases.end());
      }
    }
    const std::string& domain = record.config.domainname;
    if (!domain.empty() && !record.config.hostname.empty())
      names.names.push_back(record.config.hostname + "." + domain);
    names.addresses = {netns::Address::of(*address)};
    zone_.add_endpoint(network->second.spec.id, std::move(names));
  }
}

netns::DnsView Networks::view_of(const ContainerRecord& record, sys::FdRef netns) const {
  netns::DnsView view;
  view.internal_only = true;
  for (const AttachmentConfig& attachment : in_order(record.config.attachments)) {
    auto network = networks_.find(attachment.network);
    if (network == networks_.end()) continue;
    for (const auto& [alias, name] : attachment.links) view.zone.links[to_lower(alias)] = to_lower(name);
    // On the default bridge only links have names, as ever.
    if (attachment.network == engine::kDefaultBridge) {
      view.zone.linked_network = network->second.spec.id;
    } else {
      view.zone.networks.push_back(network->second.spec.id);
      view.zone.scope = record.project;
    }
    view.internal_only = view.internal_only && network->second.spec.internal;
  }
  for (const std::string& text : record.config.dns) {
    if (std::optional<netns::Address> server = netns::Address::parse(text)) view.upstreams.push_back(*server);
  }
  // Only then: a handle keeps the namespace alive.
  if (!view.upstreams.empty() && netns.valid()) {
    view.netns = std::make_shared<sys::Netns>(sys::UniqueFd(fcntl(netns.get(), F_DUPFD_CLOEXEC, 10)));
  }
  return view;
}

Task<sys::Netns> Networks::connect(const ContainerRecord& record, LiveState& live, bool kept) {
  if (record.config.network_mode == "host") co_return sys::Netns();
  netns::SandboxSpec spec;
  Result<std::vector<netns::EndpointSpec>> endpoints = plan_endpoints(record, live, false);
  if (!endpoints) {
    release(record, live, true);
    co_return std::move(endpoints).error();
  }
  spec.endpoints = std::move(endpoints).value();
  spec.dns = !spec.endpoints.empty();
  if (kept) BERTH_CO_TRY_OK(store_.write(record.id, live));  // on record before it exists
  std::function<Result<netns::Sandbox>()> make = [spec] { return netns::create_sandbox(spec); };
  Result<netns::Sandbox> sandbox = co_await on_pool<netns::Sandbox>(pool_, std::move(make));
  if (!sandbox) {
    release(record, live, true);
    co_return std::move(sandbox).error();
  }
  register_names(record, live);
  if (sandbox->dns_udp.valid()) {
    keeper_.store(dns_key(record.id), {sandbox->dns_udp.ref(), sandbox->dns_tcp.ref()});
    netns::DnsView view = view_of(record, sandbox->netns.fd());
    Status listening =
        dns_.add_listener(record.id, std::move(sandbox->dns_udp), std::move(sandbox->dns_tcp), std::move(view));
    if (!listening) {
      release(record, live, true);
      co_return std::move(listening).error();
    }
  }
  co_return std::move(sandbox->netns);
}

void Networks::release(const ContainerRecord& record, LiveState& live, bool keep_ports) {
  dns_.remove_listener(record.id);
  keeper_.drop(dns_key(record.id));
  ports_.release(record.id, live, keep_ports);
  for (const EndpointState& endpoint : live.endpoints) {
    forget(record, endpoint);
    if (!endpoint.host_interface.empty()) leaving_links_.push_back(endpoint.host_interface);
  }
  drop_default_bridge();
}

Work Networks::settle() {
  auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor);
  for (int waited_ms = 0; waited_ms < 3000; ++waited_ms) {
    std::erase_if(leaving_links_, [](const std::string& name) { return if_nametoindex(name.c_str()) == 0; });
    if (leaving_links_.empty()) co_return;
    timer.expires_after(std::chrono::milliseconds(1));
    (void)co_await timer.async_wait(kAwait);
  }
  std::vector<std::string> left = std::move(leaving_links_);
  leaving_links_.clear();
  (void)netns::remove_links(left);  // somebody else keeps the namespace; the container itself has gone
}

std::string Networks::gateway_of(const ContainerRecord& record) const {
  for (const AttachmentConfig& attachment : in_order(record.config.attachments)) {
    auto network = networks_.find(attachment.network);
    if (network != networks_.end()) return network->second.spec.gateway.str();
  }
  return "127.0.0.1";
}

Status Networks::adopt_container(const ContainerRecord& record, LiveState& live) {
  for (const EndpointState& endpoint : live.endpoints) {
    auto network = networks_.find(endpoint.network);
    std::optional<netns::Ipv4> address = netns::Ipv4::parse(endpoint.address);
    if (network != networks_.end() && address) network->second.addresses[record.id] = *address;
  }
  register_names(record, live);
  BERTH_TRY_OK(ports_.adopt(record.id, live));
  if (live.endpoints.empty()) return {};
  std::vector<sys::UniqueFd> sockets = keeper_.stored(dns_key(record.id));
  BERTH_TRY(sys::Netns netns, sys::Netns::open(fmt::format("/proc/{}/ns/net", live.process.pid)));
  if (sockets.size() != 2) {
    BERTH_TRY(netns::DnsSockets again, netns::reopen_dns_door(netns));
    sockets.clear();
    sockets.push_back(std::move(again.udp));
    sockets.push_back(std::move(again.tcp));
    keeper_.store(dns_key(record.id), {sockets[0].ref(), sockets[1].ref()});
  }
  netns::DnsView view = view_of(record, netns.fd());
  return dns_.add_listener(record.id, std::move(sockets[0]), std::move(sockets[1]), std::move(view));
}

}  // namespace berth::supervise
