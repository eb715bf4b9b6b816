#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"
#include "engine/address_request.h"
#include "engine/joins.h"
#include "engine/lower_parts.h"
#include "netns/address.h"

namespace berth::engine {
namespace {

std::string mac_address(const Lowering& in, const std::optional<std::string>& text, const SourceSpan& span) {
  if (text && !netns::Mac::parse(*text)) {
    in.diagnostics.error(span, fmt::format("\"{}\" is not a MAC address", *text), "write it like 02:42:ac:11:00:02");
  }
  return text.value_or("");
}

/// The service's own is that of its main network.
void main_mac_address(const Lowering& in) {
  const compose::Service& s = in.service;
  std::vector<AttachmentConfig>& attachments = in.container.attachments;
  std::string own = mac_address(in, s.mac_address, s.place("mac_address"));
  auto main = std::max_element(attachments.begin(), attachments.end(),
                               [](const auto& a, const auto& b) { return a.priority < b.priority; });
  if (own.empty() || main == attachments.end()) return;
  if (!main->mac_address.empty() && main->mac_address != own) {
    in.diagnostics.error(
        s.place("mac_address"),
        fmt::format("service \"{}\" has mac_address {}, and {} on its main network", s.name, own, main->mac_address));
  }
  main->mac_address = own;
}

/// An address that the service asks for has to be one of the network's, as far as the file says which those are.
berth::Status check_address(const NetworkConfig& network, const std::string& text, bool v6) {
  const auto address = netns::Address::parse(text);
  if (!address || address->v6 != v6) return make_error(fmt::format("\"{}\" is no IPv{} address", text, v6 ? 6 : 4));
  if (v6 ? !network.enable_ipv6 : !network.enable_ipv4) {
    return make_error(fmt::format("network \"{}\" has no IPv{}", network.key, v6 ? 6 : 4),
                      v6 ? "write enable_ipv6: true there" : "leave enable_ipv4: false out there");
  }
  auto block = std::ranges::find(network.ipam, v6, is_ipv6);
  if (block == network.ipam.end() || block->subnet.empty()) return {};
  BERTH_TRY(netns::AddressRequest request, address_request(*block));
  auto plan = netns::plan_addresses(request, {}, {});
  return plan.ok() ? netns::check_address(*plan, *address, {}) : berth::Status();  // a wrong plan has been reported
}

void check_addresses(const Lowering& in, const std::string& key, const compose::NetworkAttachment& attachment) {
  const compose::Network& declared = in.project.networks.at(key);
  if (declared.external) return;  // known when it is there
  NetworkConfig network;
  network.key = key;
  Diagnostics elsewhere;  // reported where the network is lowered
  lower_ipam(key, declared, network, elsewhere);
  for (const bool v6 : {false, true}) {
    const std::string text = (v6 ? attachment.ipv6_address : attachment.ipv4_address).value_or("");
    berth::Status checked = text.empty() ? berth::Status() : check_address(network, text, v6);
    if (checked) continue;
    in.diagnostics.error(
        attachment.span,
        fmt::format("service \"{}\", ipv{}_address: {}", in.service.name, v6 ? 6 : 4, checked.error().what),
        checked.error().hint);
  }
}

PortConfig published(const compose::Port& port) {
  PortConfig config;
  config.host_ip = port.host_ip;
  config.container_port = port.target;
  config.protocol = port.protocol;
  config.place = port.span.str();
  std::vector<std::string> ends = split(port.published, '-');
  config.host_port = static_cast<uint16_t>(parse_unsigned(ends[0]).value_or(0));
  config.host_port_end =
      ends.size() > 1 ? static_cast<uint16_t>(parse_unsigned(ends[1]).value_or(0)) : config.host_port;
  return config;
}

/// What the owner of a network namespace decides is not for those that join it.
void check_joined(const Lowering& in) {
  const compose::Service& s = in.service;
  const std::string owner = joined(in.container.network_mode);
  if (owner.empty()) return;
  const std::pair<const char*, bool> kOwners[] = {
      {"ports", !s.ports.empty()},
      {"expose", !s.expose.empty()},
      {"hostname", s.hostname.has_value()},
      {"domainname", s.domainname.has_value()},
      {"dns", !s.dns.empty()},
      {"dns_search", !s.dns_search.empty()},
      {"dns_opt", !s.dns_opt.empty()},
      {"extra_hosts", !s.extra_hosts.empty()},
      {"mac_address", s.mac_address.has_value()},
  };
  for (const auto& [attribute, there] : kOwners) {
    if (!there) continue;
    in.diagnostics.error(s.place(attribute),
                         fmt::format("service \"{}\" has {}, which the network_mode \"{}\" excludes", s.name, attribute,
                                     in.container.network_mode),
                         fmt::format("it belongs to {}, whose network this is", owner));
  }
}

void check_mode(const Lowering& in) {
  const std::string& mode = in.container.network_mode;
  if (mode.empty() || mode == "none" || mode == "host" || !joined(mode).empty()) return;
  in.diagnostics.error(in.service.place("network_mode"),
                       fmt::format("network_mode \"{}\" (the engine's shared bridge) is not supported", mode),
                       "leave it out: the project's default network is a bridge");
}

}  // namespace

void lower_network(const Lowering& in) {
  const compose::Service& s = in.service;
  ContainerConfig& c = in.container;
  c.network_mode = s.network_mode.value_or("");
  check_mode(in);
  check_joined(in);
  for (const auto& [key, attachment] : s.networks) {
    AttachmentConfig config;
    config.network = in.project.networks.at(key).name;
    config.aliases = attachment.aliases;
    config.aliases.push_back(s.name);  // the service's own name, shared by its replicas
    config.ipv4_address = attachment.ipv4_address.value_or("");
    config.ipv6_address = attachment.ipv6_address.value_or("");
    check_addresses(in, key, attachment);
    config.mac_address = mac_address(in, attachment.mac_address, attachment.span);
    config.priority = attachment.priority.value_or(0);
    c.attachments.push_back(std::move(config));
  }
  main_mac_address(in);
  for (const compose::Port& port : s.ports) c.ports.push_back(published(port));
  c.expose = s.expose;
  for (const auto& [name, address] : s.extra_hosts) c.extra_hosts.push_back(name + "=" + address);
  c.dns = s.dns;
  c.dns_search = s.dns_search;
  c.dns_options = s.dns_opt;
}

}  // namespace berth::engine
