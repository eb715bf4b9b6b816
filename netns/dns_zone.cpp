#include "netns/dns_zone.h"

#include <algorithm>

#include "base/text.h"

namespace berth::netns {
namespace {

/// A name as a DNS message can carry it: labels of 1 to 63 bytes, 253 in all.
bool askable(std::string_view name) {
  if (name.empty() || name.size() > 253) return false;
  for (const std::string& label : split(name, '.')) {
    if (label.empty() || label.size() > 63) return false;
  }
  return true;
}

/// Each name once, in lower case.
std::set<std::string, std::less<>> clean(const std::vector<std::string>& names) {
  std::set<std::string, std::less<>> out;
  for (const std::string& name : names) {
    if (askable(name)) out.insert(to_lower(name));
  }
  return out;
}

}  // namespace

struct Zone::Network {
  std::string name;        // as given, for PTR
  std::string lower_name;  // for "db.shop_default"
  std::vector<Subnet> subnets;
  std::unordered_map<std::string, EndpointNames> endpoints;
  Names by_name;
  std::map<Address, std::string> pointers;

  void link(const EndpointNames& endpoint) {
    for (const std::string& alias : clean(endpoint.names)) {
      auto& addresses = by_name[alias];
      for (const Address& address : endpoint.addresses) {
        if (std::ranges::find(addresses, address) == addresses.end()) addresses.push_back(address);
      }
    }
    for (const Address& address : endpoint.addresses) pointers[address] = endpoint.pointer;
  }

  void unlink(const EndpointNames& endpoint) {
    for (const std::string& alias : clean(endpoint.names)) {
      const auto entry = by_name.find(alias);
      if (entry == by_name.end()) continue;
      for (const Address& address : endpoint.addresses) std::erase(entry->second, address);
      if (entry->second.empty()) by_name.erase(entry);
    }
    for (const Address& address : endpoint.addresses) pointers.erase(address);
  }
};

Zone::Zone() = default;
Zone::~Zone() = default;

void Zone::add_network(const std::string& id, const std::string& name, const std::vector<Subnet>& subnets) {
  auto& entry = networks_[id];
  if (!entry) entry = std::make_unique<Network>();
  entry->name = name;
  entry->lower_name = to_lower(name);
  entry->subnets = subnets;
}

void Zone::remove_network(const std::string& id) {
  networks_.erase(id);
}

void Zone::declare(const std::string& scope, const std::vector<std::string>& names) {
  declared_[scope].merge(clean(names));
}

void Zone::undeclare(const std::string& scope) {
  declared_.erase(scope);
}

void Zone::add_endpoint(const std::string& network, EndpointNames names) {
  remove_endpoint(network, names.endpoint);
  const auto entry = networks_.find(network);
  if (entry == networks_.end()) return;
  entry->second->link(names);
  std::string id = names.endpoint;
  entry->second->endpoints.emplace(std::move(id), std::move(names));
}

void Zone::remove_endpoint(const std::string& network, const std::string& endpoint) {
  const auto entry = networks_.find(network);
  if (entry == networks_.end()) return;
  const auto known = entry->second->endpoints.find(endpoint);
  if (known == entry->second->endpoints.end()) return;
  Network& net = *entry->second;
  const EndpointNames gone = std::move(known->second);
  net.endpoints.erase(known);
  net.unlink(gone);
  // While a container is replaced, two may have the same name and address for a moment.
  const auto shares = [&](const Address& address) {
    return std::ranges::find(gone.addresses, address) != gone.addresses.end();
  };
  for (const auto& [id, other] : net.endpoints) {
    if (std::ranges::any_of(other.addresses, shares)) net.link(other);
  }
}

const Zone::Network* Zone::network(std::string_view id) const {
  const auto entry = networks_.find(id);
  return entry == networks_.end() ? nullptr : entry->second.get();
}

bool Zone::declared(std::string_view scope, std::string_view name) const {
  const auto entry = declared_.find(scope);
  return entry != declared_.end() && entry->second.contains(name);
}

Zone::Addresses Zone::find(const ZoneView& view, std::string_view name) const {
  if (const auto link = view.links.find(name); link != view.links.end()) {
    const Addresses linked = find_linked(view, link->second);
    return linked.found == Found::yes ? linked : Addresses{Found::no_data, {}};
  }
  // The whole name in every network first, because names may have dots in them; then "name.network".
  for (const std::string& id : view.networks) {
    const Network* net = network(id);
    if (net == nullptr) continue;
    const auto entry = net->by_name.find(name);
    if (entry != net->by_name.end()) return {Found::yes, entry->second};
  }
  if (declared(view.scope, name)) return {Found::no_data, {}};
  for (const std::string& id : view.networks) {
    const Network* net = network(id);
    if (net == nullptr || net->lower_name.empty() || !name.ends_with(net->lower_name)) continue;
    const size_t rest = name.size() - net->lower_name.size();
    if (rest < 2 || name[rest - 1] != '.') continue;
    const std::string_view first = name.substr(0, rest - 1);
    const auto entry = net->by_name.find(first);
    if (entry != net->by_name.end()) return {Found::yes, entry->second};
    return {declared(view.scope, first) ? Found::no_data : Found::no_name, {}};
  }
  return {};
}

Zone::Addresses Zone::find_linked(const ZoneView& view, std::string_view name) const {
  std::vector<std::string> ids = view.networks;
  ids.push_back(view.linked_network);
  for (const std::string& id : ids) {
    const Network* net = network(id);
    if (net == nullptr) continue;
    const auto entry = net->by_name.find(name);
    if (entry != net->by_name.end()) return {Found::yes, entry->second};
  }
  return {};
}

Zone::Pointer Zone::find_pointer(const ZoneView& view, const Address& address) const {
  for (const std::string& id : view.networks) {
    const Network* net = network(id);
    if (net == nullptr) continue;
    const auto entry = net->pointers.find(address);
    if (entry != net->pointers.end()) return {Found::yes, entry->second, net->name};
  }
  for (const auto& [id, net] : networks_) {
    if (std::ranges::any_of(net->subnets, [&](const Subnet& subnet) { return subnet.contains(address); }))
      return {Found::no_name, {}, {}};
  }
  return {};
}

}  // namespace berth::netns
