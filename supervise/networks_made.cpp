// What a network is made of in the kernel.

#include <fmt/core.h>

#include <cerrno>

#include "netns/links.h"
#include "netns/parent_link.h"
#include "supervise/networks.h"

namespace berth::supervise {
namespace {

/// What works without nftables, and what does not.
std::string without_rules(const std::string& network, const Error& why) {
  return fmt::format(
      "network {}: {}: its containers reach each other and this host, but nothing beyond; published ports go through a "
      "proxy; other networks are not kept out",
      network, why.code == ELIBACC ? why.message() : "the kernel has no nftables for IP (CONFIG_NF_TABLES_INET)");
}

}  // namespace

Status Networks::make(const netns::NetworkSpec& spec) {
  if (spec.driver != netns::Driver::bridge) {
    for (const auto& [name, other] : networks_) {
      bool together = other.spec.driver == spec.driver && other.spec.parent.interface == spec.parent.interface;
      if (together && (netns::is_passthru(spec) || netns::is_passthru(other.spec)))
        return make_error(
            fmt::format("mode passthru shares {} with nobody, but network {} is on it", spec.parent.interface, name));
    }
    return netns::create_parent(spec, firewall_.table());
  }
  BERTH_TRY_OK(netns::create_bridge(spec, firewall_.table()));
  Status ruled = firewall_.add_network(spec);
  if (ruled || !netns::firewall_unavailable(ruled.error())) return ruled;
  warnings_.push_back(without_rules(spec.name, ruled.error()));
  return {};
}

Status Networks::remove_rules(const netns::NetworkSpec& spec) {
  if (spec.driver != netns::Driver::bridge) return {};
  Status ruled = firewall_.remove_network(spec.id);
  return ruled || netns::firewall_unavailable(ruled.error()) ? Status() : std::move(ruled);
}

Status Networks::unmake(const netns::NetworkSpec& spec, bool keep_interface) {
  BERTH_TRY_OK(remove_rules(spec));
  return keep_interface ? Status() : netns::remove_links({netns::host_interface(spec)});
}

}  // namespace berth::supervise
