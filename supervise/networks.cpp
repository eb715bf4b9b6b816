#include "supervise/networks.h"

#include <fmt/core.h>
#include <net/if.h>

#include <algorithm>

#include "base/text.h"
#include "netns/dns_door.h"
#include "netns/ipam.h"
#include "netns/links.h"
#include "sys/file.h"

namespace berth::supervise {
namespace {

using engine::AttachmentConfig;
using engine::ContainerRecord;
using engine::EndpointState;
using engine::LiveState;

std::string dns_key(const std::string& id) {
  return "dns/" + id;
}

bool option_is(const engine::StringMap& options, const char* key, const char* value) {
  auto found = options.find(key);
  return found != options.end() && found->second == value;
}

/// By priority, then by name: eth0 first.
std::vector<AttachmentConfig> in_order(std::vector<AttachmentConfig> attachments) {
  std::stable_sort(attachments.begin(), attachments.end(), [](const AttachmentConfig& a, const AttachmentConfig& b) {
    return a.priority != b.priority ? a.priority > b.priority : a.network < b.network;
  });
  return attachments;
}

}  // namespace

Networks::Networks(asio::io_context& io, asio::thread_pool& pool, const engine::StateStore& store, KeeperLink& keeper)
    : io_(io),
      pool_(pool),
      store_(store),
      keeper_(keeper),
      firewall_(store.paths().tag()),
      guard_(io, firewall_),
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
  std::vector<std::string> bridges;
  for (const auto& [name, network] : networks_) bridges.push_back(network.spec.bridge);
  BERTH_TRY(std::vector<netns::Occupied> occupied, netns::observe_host_prefixes(bridges));
  for (const auto& [name, network] : networks_) {
    occupied.push_back({network.spec.subnet, netns::Occupied::Kind::network, "network " + name});
  }
  BERTH_TRY(netns::AddressPlan plan, netns::plan_addresses(request, netns::default_pools(), occupied));

  netns::NetworkSpec spec;
  spec.id = id;
  spec.name = config.name;
  spec.bridge = netns::bridge_name(id);
  auto bridge = config.options.find("com.docker.network.bridge.name");
  if (bridge != config.options.end()) spec.bridge = bridge->second;
  auto mtu = config.options.find("com.docker.network.driver.mtu");
  if (mtu != config.options.end()) spec.mtu = static_cast<int>(parse_unsigned(mtu->second).value_or(0));
  spec.icc = !option_is(config.options, "com.docker.network.bridge.enable_icc", "false");
  spec.internal = config.internal;
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
  if (!config.driver.empty() && config.driver != "bridge" && config.driver != "default") {
    return make_error(fmt::format("network {}: driver \"{}\" is not supported", config.name, config.driver),
                      "use driver: bridge");
  }
  engine::NetworkRecord record;
  record.id = sys::random_hex(32);
  record.project = project;
  record.created_ns = wall_clock_ns();
  record.config = config;
  BERTH_TRY(netns::NetworkSpec spec, plan_network(config, record.id));
  record.bridge = spec.bridge;
  record.subnet = spec.subnet.str();
  record.gateway = spec.gateway.str();
  // On record before it exists: whatever happens next, `down` finds it.
  BERTH_TRY_OK(store_.write(record));
  Status made = netns::create_bridge(spec);
  if (made) {
    made = firewall_.add_network(spec);
    if (!made && netns::firewall_unavailable(made.error())) made = {};
  }
  if (!made) {
    (void)netns::remove_bridge(spec.bridge);  // the first error is the one to tell
    (void)store_.remove_network(config.name);
    return std::move(made).context("network {}", config.name);
  }
  guard_.network_created();
  zone_.add_network(spec.id, spec.name, {spec.subnet});
  networks_[config.name] = Network{record, spec, {}, {}};
  return {};
}

Status Networks::remove(const std::string& name) {
  auto found = networks_.find(name);
  if (found == networks_.end()) return store_.remove_network(name);
  netns::NetworkSpec spec = found->second.spec;
  if (!found->second.addresses.empty()) {
    return make_error(fmt::format("network {} is still in use by {} containers", name, found->second.addresses.size()));
  }
  Status ruled = firewall_.remove_network(spec.id);
  if (!ruled && !netns::firewall_unavailable(ruled.error())) return std::move(ruled).context("network {}", name);
  BERTH_TRY_OK(netns::remove_bridge(spec.bridge).context("network {}", name));
  zone_.remove_network(spec.id);
  networks_.erase(found);
  return store_.remove_network(name);
}

Status Networks::adopt_networks(const std::vector<engine::NetworkRecord>& records) {
  netns::FirewallState state;
  for (const engine::NetworkRecord& record : records) {
    Network network;
    network.record = record;
    netns::NetworkSpec& spec = network.spec;
    spec.id = record.id;
    spec.name = record.config.name;
    spec.bridge = record.bridge;
    spec.internal = record.config.internal;
    spec.icc = !option_is(record.config.options, "com.docker.network.bridge.enable_icc", "false");
    std::optional<netns::Subnet> subnet = netns::Subnet::parse(record.subnet);
    std::optional<netns::Ipv4> gateway = netns::Ipv4::parse(record.gateway);
    if (!subnet || !gateway) continue;  // a torn record: `down` removes it by name
    spec.subnet = *subnet;
    spec.gateway = *gateway;
    spec.ip_range = netns::Subnet::parse(record.config.ip_range);
    for (const auto& [name, text] : record.config.aux_addresses) {
      if (std::optional<netns::Ipv4> aux = netns::Ipv4::parse(text)) spec.aux.emplace_back(name, *aux);
    }
    if (if_nametoindex(spec.bridge.c_str()) == 0) BERTH_TRY_OK(netns::create_bridge(spec));  // after a reboot
    state.networks.push_back(spec);
    zone_.add_network(spec.id, spec.name, {spec.subnet});
    networks_[spec.name] = std::move(network);
  }
  if (records.empty()) return {};
  Status ruled = firewall_.replace_all(std::move(state));
  guard_.start();
  return ruled || netns::firewall_unavailable(ruled.error()) ? Status() : std::move(ruled);
}

void Networks::declare(const std::string& project, const std::vector<std::string>& services) {
  zone_.declare(project, services);
}
void Networks::declare(const ContainerRecord& record) {
  std::vector<std::string> names = {record.name, record.service};
  for (const AttachmentConfig& attachment : record.config.attachments) {
    // One with dots may be the name of something in the world for those who do not share this network.
    std::ranges::copy_if(attachment.aliases, std::back_inserter(names),
                         [](const std::string& alias) { return alias.find('.') == std::string::npos; });
  }
  zone_.declare(record.project, names);
}
void Networks::undeclare(const std::string& project) {
  zone_.undeclare(project);
}

Result<Networks::Network*> Networks::find(const std::string& name) {
  auto found = networks_.find(name);
  if (found == networks_.end()) return make_error(fmt::format("network {} does not exist", name));
  return &found->second;
}

Result<std::vector<netns::EndpointSpec>> Networks::plan_endpoints(const ContainerRecord& record, LiveState& live) {
  std::vector<netns::EndpointSpec> endpoints;
  std::vector<EndpointState> before = std::move(live.endpoints);
  live.endpoints.clear();
  for (const AttachmentConfig& attachment : in_order(record.config.attachments)) {
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

    netns::EndpointSpec endpoint;
    endpoint.container_id = record.id;
    endpoint.network_id = network->spec.id;
    endpoint.bridge = network->spec.bridge;
    endpoint.interface = fmt::format("eth{}", endpoints.size());
    endpoint.address = *address;
    endpoint.mac = netns::Mac::parse(attachment.mac_address);
    endpoint.prefix = network->spec.subnet.prefix;
    endpoint.mtu = network->spec.mtu;
    bool has_gateway =
        std::any_of(endpoints.begin(), endpoints.end(), [](const auto& e) { return e.gateway.has_value(); });
    if (!network->spec.internal && !has_gateway) endpoint.gateway = network->spec.gateway;
    live.endpoints.push_back({attachment.network, endpoint.interface,
                              netns::host_interface_name(record.id, network->spec.id), address->str(),
                              endpoint.mac.value_or(netns::Mac::of(*address)).str()});
    endpoints.push_back(std::move(endpoint));
  }
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
    names.addresses = {netns::Address::of(*address)};
    zone_.add_endpoint(network->second.spec.id, std::move(names));
  }
}

netns::DnsView Networks::view_of(const ContainerRecord& record, sys::FdRef netns) const {
  netns::DnsView view;
  view.zone.scope = record.project;
  view.internal_only = true;
  for (const AttachmentConfig& attachment : in_order(record.config.attachments)) {
    auto network = networks_.find(attachment.network);
    if (network == networks_.end()) continue;
    view.zone.networks.push_back(network->second.spec.id);
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
  Result<std::vector<netns::EndpointSpec>> endpoints = plan_endpoints(record, live);
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
    auto network = networks_.find(endpoint.network);
    if (network == networks_.end()) continue;
    zone_.remove_endpoint(network->second.spec.id, record.id);
    network->second.addresses.erase(record.id);
    leaving_links_.push_back(endpoint.host_interface);
  }
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
