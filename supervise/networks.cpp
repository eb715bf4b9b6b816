#include "supervise/networks.h"

#include <fmt/core.h>
#include <net/if.h>

#include <algorithm>

#include "base/text.h"
#include "engine/endpoints.h"
#include "engine/predefined_network.h"
#include "engine/record.h"
#include "netns/dns_door.h"
#include "netns/link_state.h"
#include "netns/links.h"
#include "netns/parent_link.h"
#include "supervise/network_plan.h"
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

/// Different for every root on every machine, and always the same there.
std::string address_seed(const sys::Paths& paths) {
  return sys::read_file("/etc/machine-id", 64).value_or("") + paths.root;
}

std::vector<netns::Subnet> subnets_of(const netns::NetworkSpec& network) {
  std::vector<netns::Subnet> subnets;
  for (const netns::AddressBlock& block : network.blocks) subnets.push_back(block.subnet);
  return subnets;
}

/// Those that a container there may have in common with others.
std::vector<std::string> shared_names(const ContainerRecord& record, const std::string& network) {
  std::vector<std::string> names;
  const std::string &host = record.config.hostname, &domain = record.config.domainname;
  if (!host.empty()) names.push_back(host);
  for (const AttachmentConfig& attachment : record.config.attachments) {
    if (attachment.network == network) names.insert(names.end(), attachment.aliases.begin(), attachment.aliases.end());
  }
  if (!domain.empty() && !host.empty()) names.push_back(host + "." + domain);
  return names;
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
      ports_(io, store, keeper, firewall_) {
  firewall_.load_ahead();
}

Status Networks::create(const engine::NetworkConfig& config, const std::string& project) {
  if (auto known = networks_.find(config.name); known != networks_.end()) {
    return known->second.leaving ? make_error("network " + config.name + " is being removed") : Status();
  }
  engine::NetworkRecord record;
  record.id = sys::random_hex(32);
  record.project = project;
  record.config = config;
  return create(std::move(record));
}

Status Networks::create(engine::NetworkRecord record) {
  const engine::NetworkConfig& config = record.config;
  record.created_ns = wall_clock_ns();
  std::vector<netns::NetworkSpec> others;
  for (const auto& [name, network] : networks_) others.push_back(network.spec);
  BERTH_TRY(netns::NetworkSpec spec, plan_network(config, record.id, others, address_seed(store_.paths())));
  record.bridge = netns::host_interface(spec);
  record.keep_interface = if_nametoindex(record.bridge.c_str()) != 0;
  record.ipam = recorded(spec);
  // On record before it exists: whatever happens next, `down` finds it.
  BERTH_TRY_OK(store_.write(record));
  Status made = make(spec);
  if (!made) {
    (void)unmake(spec, record.keep_interface);  // the first error is the one to tell
    (void)store_.remove_network(config.name);
    return std::move(made).context("network {}", config.name);
  }
  guard_.network_created();
  know(std::move(record), std::move(spec));
  return {};
}

void Networks::know(engine::NetworkRecord record, netns::NetworkSpec spec) {
  zone_.add_network(spec.id, spec.name, subnets_of(spec));
  Network network{std::move(record), std::move(spec), {}};
  networks_[network.spec.name] = std::move(network);
}

Task<void> Networks::remove_bridge(std::string bridge) {
  if (bridge.empty() || if_nametoindex(bridge.c_str()) == 0) co_return Status();
  auto removed = std::make_shared<std::optional<Status>>();
  std::function<Status()> work = [bridge] { return netns::remove_bridge(bridge); };
  asio::co_spawn(io_, on_pool<void>(pool_, std::move(work)), [removed](std::exception_ptr thrown, Status status) {
    if (thrown) std::rethrow_exception(thrown);  // our code does not throw
    *removed = std::move(status);
  });
  asio::steady_timer timer(io_);
  while (!*removed && if_nametoindex(bridge.c_str()) != 0) {
    timer.expires_after(std::chrono::milliseconds(1));
    (void)co_await timer.async_wait(kAwait);
  }
  co_return *removed ? std::move(**removed) : Status();
}

Task<void> Networks::remove(std::string name) {
  auto found = networks_.find(name);
  if (found == networks_.end()) co_return store_.remove_network(name);
  netns::NetworkSpec spec = found->second.spec;
  if (found->second.addresses.count() != 0) {
    co_return make_error(
        fmt::format("error while removing network: network {} id {} has active endpoints", name, spec.id));
  }
  if (Status ruled = remove_rules(spec); !ruled) co_return std::move(ruled).context("network {}", name).error();
  found->second.leaving = true;
  std::string interface = found->second.record.keep_interface ? "" : netns::host_interface(spec);
  Status removed = co_await remove_bridge(std::move(interface));
  if (!removed) {
    if (found = networks_.find(name); found != networks_.end()) found->second.leaving = false;
    co_return std::move(removed).context("network {}", name).error();
  }
  zone_.remove_network(spec.id);
  networks_.erase(name);
  co_return store_.remove_network(name);
}

Status Networks::adopt_networks(const std::vector<engine::NetworkRecord>& records) {
  netns::FirewallState state;
  for (const engine::NetworkRecord& record : records) {
    std::optional<netns::NetworkSpec> known = spec_of(record);
    if (!known) continue;  // a torn record: `down` removes it by name
    netns::NetworkSpec& spec = *known;
    if (!netns::is_up(record.bridge)) {  // after a reboot, or half made when its supervisor was killed
      BERTH_TRY_OK(spec.driver == netns::Driver::bridge ? netns::create_bridge(spec, firewall_.table())
                                                        : netns::create_parent(spec, firewall_.table()));
    }
    if (spec.driver == netns::Driver::bridge) state.networks.push_back(spec);
    know(record, std::move(spec));
  }
  if (state.networks.empty()) return {};
  Status ruled = firewall_.replace_all(std::move(state));
  guard_.start();
  return ruled || netns::firewall_unavailable(ruled.error()) ? Status() : std::move(ruled);
}

std::vector<std::string> Networks::take_warnings() {
  std::vector<std::string> warnings = guard_.take_warnings();
  std::ranges::move(std::exchange(warnings_, {}), std::back_inserter(warnings));
  return warnings;
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
  if (name == engine::kDefaultBridge) BERTH_TRY_OK(make_default_bridge());
  auto found = networks_.find(name);
  if (found == networks_.end() || found->second.leaving) return make_error(fmt::format("network {} not found", name));
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
    auto old = std::find_if(before.begin(), before.end(),
                            [&](const EndpointState& state) { return state.network == attachment.network; });
    BERTH_TRY(const std::vector<netns::Address> addresses,
              network->addresses.take(network->spec, record.id, attachment, old == before.end() ? nullptr : &*old));
    netns::EndpointSpec endpoint = endpoint_of(record, *network, attachment, interfaces[endpoints.size()]);
    if (!endpoint.mac) endpoint.mac = netns::Mac::of(addresses.front());
    EndpointState state{.network = attachment.network,
                        .interface = endpoint.interface,
                        .host_interface = host_link(endpoint),
                        .mac = endpoint.mac->str(),
                        .internal = !has_way_in(network->spec),
                        .pending = running && (old == before.end() || old->pending)};
    for (const netns::Address& address : addresses) {
      endpoint.addresses.push_back({address, network->spec.block(address.v6)->subnet.prefix});
      (address.v6 ? state.ipv6_address : state.address) = address.str();
    }
    for (const std::string& text : attachment.link_local_ips) {
      std::optional<netns::Address> address = netns::Address::parse(text);
      if (address) endpoint.addresses.push_back({*address, address->v6 ? 64 : 16});
    }
    live.endpoints.push_back(std::move(state));
    endpoints.push_back(std::move(endpoint));
  }
  choose_way_out(attachments, endpoints);
  return endpoints;
}

void Networks::register_names(const ContainerRecord& record, const LiveState& live) {
  for (const EndpointState& endpoint : live.endpoints) {
    auto network = networks_.find(endpoint.network);
    if (network == networks_.end()) continue;
    netns::EndpointNames names;
    names.endpoint = record.id;
    names.pointer = record.name;
    names.names = {record.name, record.short_id()};
    // Until it has taken the place of another, that one answers to the names they share.
    if (!engine::has_temporary_name(record))
      std::ranges::move(shared_names(record, endpoint.network), std::back_inserter(names.names));
    names.addresses = addresses_of(endpoint);
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

/// The host's address that its ports are published on where none is given ("" = all); nothing where no network leads
/// in.
std::optional<std::string> Networks::default_ip_of(const ContainerRecord& record) const {
  for (const AttachmentConfig& attachment : in_order(record.config.attachments)) {
    auto network = networks_.find(attachment.network);
    if (network == networks_.end() && attachment.network == engine::kDefaultBridge) return "";  // made at the start
    if (network == networks_.end() || !has_way_in(network->second.spec)) continue;
    const engine::StringMap& options = network->second.record.config.options;
    auto binding = options.find("com.docker.network.bridge.host_binding_ipv4");
    return binding == options.end() ? "" : binding->second;
  }
  return std::nullopt;
}

Task<void> Networks::reserve_ports(const ContainerRecord& record, LiveState& live) {
  std::optional<std::string> default_ip = default_ip_of(record);
  if (!default_ip) co_return Status();
  co_return co_await ports_.reserve(record, std::move(*default_ip), live);
}

Task<sys::Netns> Networks::connect(const ContainerRecord& record, LiveState& live, bool kept) {
  if (record.config.network_mode == "host") co_return sys::Netns();
  const std::vector<AttachmentConfig>& attachments = record.config.attachments;
  const bool fixed = std::ranges::any_of(
      attachments, [](const auto& a) { return !a.ipv4_address.empty() || !a.ipv6_address.empty(); });
  // Whoever had that address may still be on its way out, and the kernel would answer for both.
  if (fixed) co_await settle();
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
    if (network != networks_.end()) return network->second.spec.blocks.front().gateway.str();
  }
  return "127.0.0.1";
}

Status Networks::adopt_container(const ContainerRecord& record, LiveState& live) {
  for (const EndpointState& endpoint : live.endpoints) {
    auto network = networks_.find(endpoint.network);
    if (network != networks_.end()) network->second.addresses.note(record.id, endpoint);
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
