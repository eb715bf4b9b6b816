#include "netns/ipam.h"

#include <algorithm>
#include <set>

namespace berth::netns {
namespace {

/// First and last address of what is in use, sorted, so that a free block is found in one sweep.
std::vector<std::pair<uint64_t, uint64_t>> sorted_ranges(const std::vector<Occupied>& occupied) {
  std::vector<std::pair<uint64_t, uint64_t>> ranges;
  for (const Occupied& other : occupied) ranges.emplace_back(other.subnet.base.bits, other.subnet.last().bits);
  std::ranges::sort(ranges);
  return ranges;
}

std::optional<Subnet> free_block(const Pool& pool, const std::vector<std::pair<uint64_t, uint64_t>>& ranges) {
  const uint64_t block = uint64_t{1} << (32 - pool.size);
  uint64_t at = pool.base.base.bits;
  for (const auto& [first, last] : ranges) {
    if (first >= at + block) break;  // and so do all that follow
    if (last >= at) at = (last / block + 1) * block;
  }
  if (at + block - 1 > pool.base.last().bits) return std::nullopt;
  return Subnet::of(Ipv4{static_cast<uint32_t>(at)}, pool.size);
}

Result<Subnet> choose_subnet(const std::vector<Pool>& pools, const std::vector<Occupied>& occupied) {
  const auto ranges = sorted_ranges(occupied);
  for (const Pool& pool : pools) {
    if (const auto block = free_block(pool, ranges)) return *block;
  }
  return make_error(
      fmt::format("no free subnet in the address pools ({} blocks in use or routed by the host)", occupied.size()),
      "remove networks that are not used any more, or write a subnet under ipam.config");
}

Status check_subnet(const Subnet& subnet, const std::vector<Occupied>& occupied) {
  if (subnet.prefix < 1 || subnet.prefix > 30) {
    return make_error(fmt::format("subnet {} has no room for containers", subnet.str()),
                      "use a prefix between /1 and /30");
  }
  for (const Occupied& other : occupied) {
    const bool hard = other.kind == Occupied::Kind::network || other.kind == Occupied::Kind::host_address;
    if (!hard || !other.subnet.overlaps(subnet)) continue;
    return make_error(fmt::format("subnet {} overlaps {} ({})", subnet.str(), other.by, other.subnet.str()),
                      "choose another subnet, or leave it out to have a free one chosen");
  }
  return {};
}

/// The subnet's own name and its broadcast address.
bool is_edge(const Subnet& subnet, Ipv4 address) {
  return address == subnet.base || address == subnet.last();
}

Ipv4 default_gateway(const Subnet& subnet, const AddressRequest& request) {
  const auto is_aux = [&](Ipv4 address) {
    return std::ranges::any_of(request.aux, [&](const auto& aux) { return aux.second == address; });
  };
  Ipv4 gateway{subnet.base.bits + 1};
  while (is_aux(gateway) && gateway < subnet.last()) ++gateway.bits;
  return gateway;
}

Status check_inside(const Subnet& subnet, const std::string& what, Ipv4 address) {
  if (subnet.contains(address) && !is_edge(subnet, address)) return {};
  return make_error(fmt::format("{} {} is not an address of subnet {}", what, address.str(), subnet.str()));
}

/// Where containers' addresses may come from.
Subnet range_of(const NetworkSpec& network) {
  return network.ip_range.value_or(network.subnet);
}

bool reserved(const NetworkSpec& network, Ipv4 address) {
  return is_edge(network.subnet, address) || address == network.gateway ||
         std::ranges::any_of(network.aux, [&](const auto& aux) { return aux.second == address; });
}

}  // namespace

std::vector<Pool> default_pools() {
  const auto pool = [](uint32_t second, int prefix) {
    return Pool{Subnet{Ipv4{172u << 24 | second << 16}, prefix}, 22};
  };
  // 172.18 to 172.31 as prefixes. 172.16 and 172.17 come last: the second is Docker's own bridge, taken or not.
  return {pool(18, 15), pool(20, 14), pool(24, 13), pool(16, 16), Pool{Subnet{Ipv4{192u << 24 | 168u << 16}, 16}, 24},
          pool(17, 16)};
}

namespace {

/// Blocks whose addresses no interface of a container can have (RFC 6890).
Status check_usable(const Subnet& subnet) {
  constexpr std::pair<const char*, const char*> kReserved[] = {{"0.0.0.0/8", "\"this network\""},
                                                               {"127.0.0.0/8", "loopback"},
                                                               {"224.0.0.0/4", "multicast"},
                                                               {"240.0.0.0/4", "reserved"}};
  for (const auto& [block, what] : kReserved) {
    if (Subnet::parse(block)->overlaps(subnet)) {
      return make_error(fmt::format("subnet {} lies in {} ({})", subnet.str(), block, what),
                        "take one of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16");
    }
  }
  return {};
}

}  // namespace

Result<AddressPlan> plan_addresses(const AddressRequest& request, const std::vector<Pool>& pools,
                                   const std::vector<Occupied>& occupied) {
  AddressPlan plan;
  if (request.subnet) {
    BERTH_TRY_OK(check_usable(*request.subnet));
    BERTH_TRY_OK(check_subnet(*request.subnet, occupied));
    plan.subnet = *request.subnet;
  } else {
    if (request.gateway || request.ip_range) {
      return make_error("a gateway or ip_range needs a subnet", "write the subnet beside it under ipam.config");
    }
    BERTH_TRY(plan.subnet, choose_subnet(pools, occupied));
  }
  plan.gateway = request.gateway.value_or(default_gateway(plan.subnet, request));
  plan.ip_range = request.ip_range;
  plan.aux = request.aux;
  BERTH_TRY_OK(check_inside(plan.subnet, "gateway", plan.gateway));
  for (const auto& [name, address] : plan.aux) {
    BERTH_TRY_OK(check_inside(plan.subnet, fmt::format("aux_addresses.{}", name), address));
    if (address == plan.gateway) {
      return make_error(fmt::format("aux_addresses.{} {} is the gateway", name, address.str()));
    }
  }
  if (plan.ip_range && !plan.subnet.contains(*plan.ip_range)) {
    return make_error(fmt::format("ip_range {} is not inside subnet {}", plan.ip_range->str(), plan.subnet.str()));
  }
  return plan;
}

Result<Ipv4> choose_address(const NetworkSpec& network, const std::vector<Ipv4>& in_use,
                            std::optional<Ipv4> last_given) {
  const Subnet range = range_of(network);
  const std::set<Ipv4> taken(in_use.begin(), in_use.end());
  const uint64_t size = uint64_t{range.last().bits} - range.base.bits + 1;
  const bool known = last_given && range.contains(*last_given);
  const uint64_t start = known ? uint64_t{last_given->bits} - range.base.bits + 1 : 0;
  // After so many steps either a free one was found or there is none: only taken and reserved ones are passed over.
  const uint64_t tries = std::min<uint64_t>(size, taken.size() + network.aux.size() + 4);
  for (uint64_t step = 0; step < tries; ++step) {
    const Ipv4 candidate{range.base.bits + static_cast<uint32_t>((start + step) % size)};
    if (!reserved(network, candidate) && !taken.contains(candidate)) return candidate;
  }
  return make_error(fmt::format("network {} has no free address left in {}", network.name, range.str()),
                    "use a larger subnet or ip_range");
}

Status check_address(const NetworkSpec& network, Ipv4 wanted, const std::vector<Ipv4>& in_use) {
  const std::string object = fmt::format("address {} on network {}", wanted.str(), network.name);
  if (!network.subnet.contains(wanted)) {
    return make_error(fmt::format("{} is outside its subnet {}", object, network.subnet.str()));
  }
  if (reserved(network, wanted)) return make_error(fmt::format("{} is reserved (gateway, auxiliary or edge)", object));
  if (std::ranges::find(in_use, wanted) != in_use.end()) return make_error(fmt::format("{} is already in use", object));
  return {};
}

}  // namespace berth::netns
