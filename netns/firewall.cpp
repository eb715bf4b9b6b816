#include "netns/firewall.h"

#include <algorithm>
#include <cerrno>
#include <future>
#include <nlohmann/json.hpp>
#include <optional>

#include "netns/conntrack.h"
#include "netns/nft_library.h"
#include "netns/nft_watch.h"
#include "netns/other_firewalls.h"
#include "netns/sysctl.h"

namespace berth::netns {
namespace {

constexpr const char* kUnavailable = "nftables is not available";

/// Do two ports take the same place on the host?
bool same_place(const PortSpec& a, const PortSpec& b) {
  return a.host_ip == b.host_ip && a.host_port == b.host_port && a.protocol == b.protocol;
}

/// Errors by which the kernel, not the ruleset, says no.
bool means_unavailable(const Error& error) {
  return error.code == ELIBACC || error.code == EOPNOTSUPP || error.code == EPROTONOSUPPORT ||
         error.code == EAFNOSUPPORT || error.code == ENOSYS;
}

/// Those whose flows the kernel would keep sending to where they went before. A TCP connection ends with its container.
std::vector<HostPort> lasting_flows(const std::vector<PortSpec>& ports) {
  std::vector<HostPort> out;
  for (const PortSpec& port : ports) {
    const bool translated = port.translated(false) || port.translated(true);
    if (port.protocol != Protocol::tcp && translated) out.push_back({port.protocol, port.host_port});
  }
  return out;
}

Status enable_forwarding(const NetworkSpec& network) {
  BERTH_TRY_OK(enable_ipv4_forwarding());
  return network.block(true) == nullptr ? Status() : enable_ipv6_forwarding();
}

void read_elements(const nlohmann::json& set, ObservedFirewall& out) {
  const std::string name = set.value("name", "");
  if (!set.contains("elem")) return;
  for (const auto& element : set["elem"]) {
    if (name == "bridges" && element.is_string()) out.bridges.push_back(element);
    if (!name.starts_with("any_ports") && !name.starts_with("ip_ports")) continue;
    if (!element.is_array() || element.empty() || !element[0].contains("concat")) continue;
    std::string port;
    for (const auto& part : element[0]["concat"]) {
      port += (port.empty() ? "" : "/") + (part.is_string() ? part.get<std::string>() : part.dump());
    }
    out.ports.push_back(port);
  }
}

}  // namespace

struct Firewall::Impl {
  std::string table;
  FirewallState state;
  bool applied = false;   // the kernel has our table with `state` in it, as far as we know
  bool ways_old = false;  // `obstacles` and our rules in other tables are to be looked at again
  std::vector<Error> obstacles;
  std::future<Result<NftLibrary>> loading;  // if load_ahead() was asked for
  std::optional<NftLibrary> library;
  std::optional<RulesetWatch> watch;
  std::optional<NetlinkSocket> others;  // for open_ways_through(), once there was a need

  Status load() {
    if (library) return {};
    BERTH_TRY(NftLibrary loaded, loading.valid() ? loading.get() : NftLibrary::load());
    library.emplace(std::move(loaded));
    // Where the kernel tells nothing, a flush is noticed with the next change that fails.
    if (auto opened = RulesetWatch::open(table)) watch.emplace(std::move(*opened));
    return {};
  }

  /// Takes notice of what has happened; so many transactions that touched our table are our own.
  void look(size_t own) {
    if (!watch) return;
    const RulesetWatch::Changes changes = watch->read();
    // Our own may be so large that not all of it is told.
    if (changes.of_table > own || (changes.lost && own == 0)) applied = false;
    ways_old = ways_old || changes.of_ways || changes.lost;
  }

  Status execute(const std::string& commands) {
    if (commands.empty()) return {};
    Status status = load();
    if (status.ok()) status = library->run(commands);
    if (!status.ok() && means_unavailable(status.error())) {
      status.error().hint =
          fmt::format("{}: {}", kUnavailable, "published ports go through the proxy, containers cannot reach out");
    }
    return status;
  }

  Status rebuild() {
    BERTH_TRY_OK(load());
    look(0);
    applied = !state.networks.empty();
    Status status = execute(render_replace(table, state));
    look(1);
    applied = applied && status.ok();
    return status.ok() ? mind_others() : std::move(status);
  }

  /// The small change if the table is as we left it; else, or if that fails, all of it.
  Status change(const std::string& commands) {
    look(0);
    if (!applied || !execute(commands).ok()) return rebuild();
    look(1);
    if (!applied) return rebuild();
    return ways_old ? mind_others() : Status();
  }

  Status mind_others() {
    ways_old = false;
    obstacles.clear();
    if (!others) {
      BERTH_TRY(others, NetlinkSocket::open(NETLINK_NETFILTER));
    }
    if (state.networks.empty()) return close_ways_through(*others, table);
    auto left = open_ways_through(*others, table);
    // Our own table is in order: this is worth a warning, not the network.
    obstacles = left.ok() ? std::move(*left) : std::vector<Error>{std::move(left).error()};
    return {};
  }
};

Firewall::Firewall(const std::string& tag) : impl_(std::make_unique<Impl>()) {
  impl_->table = "berth_" + tag;
}
Firewall::~Firewall() = default;
Firewall::Firewall(Firewall&&) noexcept = default;
Firewall& Firewall::operator=(Firewall&&) noexcept = default;

void Firewall::load_ahead() {
  impl_->loading = std::async(std::launch::async, NftLibrary::load);
}

const FirewallState& Firewall::state() const {
  return impl_->state;
}
const std::string& Firewall::table() const {
  return impl_->table;
}
const std::vector<Error>& Firewall::obstacles() const {
  return impl_->obstacles;
}
sys::FdRef Firewall::watched() const {
  return impl_->watch ? impl_->watch->fd() : sys::FdRef(-1);
}

Status Firewall::repair() {
  impl_->look(0);
  if (impl_->state.networks.empty()) return {};
  if (!impl_->applied) return impl_->rebuild().context("repair firewall table {}", impl_->table);
  return impl_->ways_old ? impl_->mind_others().context("pass other firewalls") : Status();
}

Status Firewall::add_network(const NetworkSpec& network) {
  BERTH_TRY_OK(validate(network));
  FirewallState before = impl_->state;
  auto& networks = impl_->state.networks;
  const bool replaced = std::erase_if(networks, [&](const NetworkSpec& other) { return other.id == network.id; }) > 0;
  networks.push_back(network);
  impl_->ways_old = true;  // a warning is due with each network
  Status status = enable_forwarding(network);
  if (status.ok()) status = replaced ? impl_->rebuild() : impl_->change(render_add_network(impl_->table, network));
  if (!status.ok()) impl_->state = std::move(before);
  return std::move(status).context("firewall rules of network {}", network.name);
}

Status Firewall::remove_network(const std::string& network_id) {
  auto& networks = impl_->state.networks;
  const auto hit = std::ranges::find(networks, network_id, &NetworkSpec::id);
  if (hit == networks.end()) return {};
  const NetworkSpec network = *hit;
  networks.erase(hit);
  std::erase_if(impl_->state.ports, [&](const PortSpec& port) {
    return std::ranges::any_of(port.container, [&](const Address& address) { return network.contains(address); });
  });
  Status status = networks.empty() ? impl_->rebuild() : impl_->change(render_remove_network(impl_->table, network));
  return std::move(status).context("firewall rules of network {}", network.name);
}

Status Firewall::publish(const std::vector<PortSpec>& ports) {
  auto& known = impl_->state.ports;
  FirewallState before = impl_->state;
  std::vector<PortSpec> moved;
  for (const PortSpec& port : ports) {
    std::ranges::copy_if(known, std::back_inserter(moved), [&](const PortSpec& old) { return same_place(old, port); });
    std::erase_if(known, [&](const PortSpec& old) { return same_place(old, port); });
    known.push_back(port);
  }
  Status status = impl_->change(render_unpublish(impl_->table, moved) + render_publish(impl_->table, ports));
  if (!status.ok()) {
    impl_->state = std::move(before);
    return std::move(status).context("publish {} ports", ports.size());
  }
  return forget_flows(lasting_flows(ports));
}

Status Firewall::unpublish(const std::vector<PortSpec>& ports) {
  auto& known = impl_->state.ports;
  std::vector<PortSpec> removed;
  for (const PortSpec& port : ports) {
    if (std::erase(known, port) > 0) removed.push_back(port);
  }
  if (removed.empty()) return {};
  BERTH_TRY_OK(impl_->change(render_unpublish(impl_->table, removed)).context("unpublish {} ports", removed.size()));
  return forget_flows(lasting_flows(removed));
}

Status Firewall::replace_all(FirewallState state) {
  for (const NetworkSpec& network : state.networks) BERTH_TRY_OK(validate(network));
  impl_->state = std::move(state);
  for (const NetworkSpec& network : impl_->state.networks) BERTH_TRY_OK(enable_forwarding(network));
  return impl_->rebuild().context("rebuild firewall table {}", impl_->table);
}

Result<ObservedFirewall> Firewall::observe() {
  BERTH_TRY_OK(impl_->load());
  ObservedFirewall out;
  auto text = impl_->library->query("list table inet " + impl_->table);
  if (!text.ok() && text.error().code == ENOENT) return out;
  BERTH_TRY_OK(Status(text.ok() ? Status() : Status(text.error())));
  const auto json = nlohmann::json::parse(*text, nullptr, false);
  if (json.is_discarded() || !json.contains("nftables")) return make_error("read firewall table: not JSON");
  out.present = true;
  for (const auto& entry : json["nftables"]) {
    for (const char* kind : {"set", "map"}) {
      if (entry.contains(kind)) read_elements(entry[kind], out);
    }
  }
  std::ranges::sort(out.bridges);
  std::ranges::sort(out.ports);
  return out;
}

bool firewall_unavailable(const Error& error) {
  return means_unavailable(error) || error.hint.starts_with(kUnavailable);
}

}  // namespace berth::netns
