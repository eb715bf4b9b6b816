#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"
#include "engine/address_request.h"
#include "engine/endpoints.h"
#include "engine/joins.h"
#include "engine/lower_parts.h"
#include "engine/network_driver.h"
#include "engine/predefined_network.h"
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

/// Networks that are no networks to be connected to, host and none, are the service's mode; so is the bridge, the other
/// way round.
void lower_mode(const Lowering& in) {
  const compose::Service& s = in.service;
  ContainerConfig& c = in.container;
  c.network_mode = s.network_mode.value_or("");
  if (c.network_mode == "bridge" || c.network_mode == "default") {
    c.network_mode.clear();
    AttachmentConfig& attachment = c.attachments.emplace_back();
    attachment.network = kDefaultBridge;
    attachment.aliases = {s.name};  // for links to it
  }
  for (const auto& [key, attachment] : s.networks) {
    const compose::Network& network = in.project.networks.at(key);
    NetworkConfig config;
    config.name = network.name;
    config.external = network.external;
    config.driver = network.driver.value_or("");
    const std::string mode = mode_of(config);
    if (mode.empty()) continue;
    c.network_mode = mode;
    if (s.networks.size() == 1) continue;
    in.diagnostics.error(attachment.span,
                         fmt::format("service \"{}\" is on network {}, and so can be on no other", s.name, mode),
                         "leave the others out, or this one");
  }
}

/// "db" or "db:database": the other's name, and what it is called here.
void add_links(const std::vector<std::string>& links, StringMap& out) {
  for (const std::string& link : links) {
    const size_t colon = link.find(':');
    const std::string name = link.substr(0, colon);
    out[colon == std::string::npos ? name : link.substr(colon + 1)] = name;
  }
}

void lower_options(const Lowering& in, const compose::NetworkAttachment& attachment, AttachmentConfig& config) {
  config.interface_name = attachment.interface_name.value_or("");
  config.gw_priority = attachment.gw_priority.value_or(0);
  config.options = map_of(attachment.driver_opts);
  const auto error = [&](const std::string& what, const std::string& hint = "") {
    in.diagnostics.error(attachment.span, fmt::format("service \"{}\": {}", in.service.name, what), hint);
  };
  for (const std::string& address : attachment.link_local_ips) {
    if (address.empty()) continue;
    config.link_local_ips.push_back(address);
    if (!netns::Address::parse(address)) error(fmt::format("link_local_ips: \"{}\" is no IP address", address));
  }
  if (!config.interface_name.empty() && !netns::valid_interface_name(config.interface_name)) {
    error(fmt::format("\"{}\" cannot be the name of an interface", config.interface_name),
          "expected at most 15 characters, without \"/\", \":\" and blanks");
  }
  const EndpointOptions options = read_endpoint_options(config.options);
  for (const Error& wrong : options.errors) error(wrong.what, wrong.hint);
  for (const std::string& warning : options.warnings)
    in.diagnostics.warning(attachment.span, fmt::format("service \"{}\": {}", in.service.name, warning));
}

void lower_attachments(const Lowering& in) {
  const compose::Service& s = in.service;
  ContainerConfig& c = in.container;
  for (const auto& [key, attachment] : s.networks) {
    if (!c.network_mode.empty()) break;
    AttachmentConfig config;
    config.network = in.project.networks.at(key).name;
    config.aliases = attachment.aliases;
    config.aliases.push_back(s.name);  // the service's own name, shared by its replicas
    config.ipv4_address = attachment.ipv4_address.value_or("");
    config.ipv6_address = attachment.ipv6_address.value_or("");
    check_addresses(in, key, attachment);
    config.mac_address = mac_address(in, attachment.mac_address, attachment.span);
    config.priority = attachment.priority.value_or(0);
    lower_options(in, attachment, config);
    c.attachments.push_back(std::move(config));
  }
  for (AttachmentConfig& attachment : c.attachments) {
    add_links(s.links, attachment.links);
    add_links(s.external_links, attachment.links);
  }
  const std::vector<std::string> prefixes(c.attachments.size(), "eth");
  if (auto names = interface_names(c.attachments, prefixes, {}); !names)
    in.diagnostics.error(s.place("networks"), fmt::format("service \"{}\": {}", s.name, names.error().what));
}

}  // namespace

void lower_network(const Lowering& in) {
  const compose::Service& s = in.service;
  ContainerConfig& c = in.container;
  lower_mode(in);
  check_joined(in);
  lower_attachments(in);
  main_mac_address(in);
  for (const compose::Port& port : s.ports) c.ports.push_back(published(port));
  c.expose = s.expose;
  for (const auto& [name, address] : s.extra_hosts) c.extra_hosts.push_back(name + "=" + address);
  c.dns = s.dns;
  c.dns_search = s.dns_search;
  c.dns_options = s.dns_opt;
}

}  // namespace berth::engine
