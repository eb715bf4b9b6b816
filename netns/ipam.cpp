#include "netns/ipam.h"

#include <algorithm>
#include <set>

#include "netns/hash.h"

namespace berth::netns {
namespace {

using Range = std::pair<AddressBits, AddressBits>;

/// First and last address of what is in use, sorted, so that a free block is found in one sweep.
std::vector<Range> sorted_ranges(const std::vector<Occupied>& occupied, bool v6) {
  std::vector<Range> ranges;
  for (const Occupied& other : occupied) {
    if (other.subnet.base.v6 == v6) ranges.emplace_back(other.subnet.base.bits(), other.subnet.last().bits());
  }
  std::ranges::sort(ranges);
  return ranges;
}

std::optional<Subnet> free_block(const Pool& pool, const std::vector<Range>& ranges) {
  const Address& base = pool.base.base;
  const AddressBits block = AddressBits{1} << (base.width() - pool.size);
  AddressBits at = base.bits();
  for (const auto& [first, last] : ranges) {
    if (first >= at + block) break;  // and so do all that follow
    if (last >= at) at = (last / block + 1) * block;
  }
  if (at + block - 1 > pool.base.last().bits()) return std::nullopt;
  return Subnet::of(Address::of(base.v6, at), pool.size);
}

Result<Subnet> choose_subnet(const std::vector<Pool>& pools, const std::vector<Occupied>& occupied) {
  for (const Pool& pool : pools) {
    if (const auto block = free_block(pool, sorted_ranges(occupied, pool.base.base.v6))) return *block;
  }
  return make_error(
      fmt::format("no free subnet in the address pools ({} blocks in use or routed by the host)", occupied.size()),
      "remove networks that are not used any more, or write a subnet under ipam.config");
}

Status check_subnet(const Subnet& subnet, const std::vector<Occupied>& occupied) {
  const int longest = subnet.base.width() - 2;
  if (subnet.prefix < 1 || subnet.prefix > longest) {
    return make_error(fmt::format("subnet {} has no room for containers", subnet.str()),
                      fmt::format("use a prefix between /1 and /{}", longest));
  }
  for (const Occupied& other : occupied) {
    const bool hard = other.kind == Occupied::Kind::network || other.kind == Occupied::Kind::host_address;
    if (!hard || !other.subnet.overlaps(subnet)) continue;
    return make_error(fmt::format("subnet {} overlaps {} ({})", subnet.str(), other.by, other.subnet.str()),
                      "choose another subnet, or leave it out to have a free one chosen");
  }
  return {};
}

/// The subnet's own name, and its broadcast address; IPv6 has the first only (that of any router).
bool is_edge(const Subnet& subnet, const Address& address) {
  return address == subnet.base || (!address.v6 && address == subnet.last());
}

Address default_gateway(const Subnet& subnet, const AddressRequest& request) {
  const auto is_aux = [&](const Address& address) {
    return std::ranges::any_of(request.aux, [&](const auto& aux) { return aux.second == address; });
  };
  AddressBits offset = 1;
  while (is_aux(subnet.at(offset)) && subnet.at(offset) < subnet.last()) ++offset;
  return subnet.at(offset);
}

Status check_inside(const Subnet& subnet, const std::string& what, const Address& address) {
  if (subnet.contains(address) && !is_edge(subnet, address)) return {};
  return make_error(fmt::format("{} {} is not an address of subnet {}", what, address.str(), subnet.str()));
}

bool reserved(const AddressBlock& block, const Address& address) {
  return is_edge(block.subnet, address) || address == block.gateway ||
         std::ranges::any_of(block.aux, [&](const auto& aux) { return aux.second == address; });
}

}  // namespace

std::vector<Pool> default_pools() {
  const auto pool = [](const char* base, int size) { return Pool{*Subnet::parse(base), size}; };
  // 172.16 and 172.17 come last: the second is Docker's own bridge, taken or not.
  return {pool("172.18.0.0/15", 22), pool("172.20.0.0/14", 22),  pool("172.24.0.0/13", 22),
          pool("172.16.0.0/16", 22), pool("192.168.0.0/16", 24), pool("172.17.0.0/16", 22)};
}

Pool unique_local_pool(std::string_view seed) {
  constexpr AddressBits kUniqueLocal = 0xfd;
  constexpr int kGlobalIdBits = 40;  // how many of a unique local prefix are to be random
  const AddressBits prefix = kUniqueLocal << kGlobalIdBits | hash_of(seed) >> (64 - kGlobalIdBits);
  return {Subnet::of(Address::of(true, prefix << (128 - 48)), 48), 64};
}

namespace {

/// Blocks whose addresses no interface of a container can have (RFC 6890).
Status check_usable(const Subnet& subnet) {
  constexpr std::pair<const char*, const char*> kReserved[] = {{"0.0.0.0/8", "\"this network\""},
                                                               {"127.0.0.0/8", "loopback"},
                                                               {"224.0.0.0/4", "multicast"},
                                                               {"240.0.0.0/4", "reserved"},
                                                               {"::/127", "unspecified and loopback"},
                                                               {"fe80::/10", "link-local"},
                                                               {"ff00::/8", "multicast"}};
  for (const auto& [block, what] : kReserved) {
    if (Subnet::parse(block)->overlaps(subnet)) {
      return make_error(fmt::format("subnet {} lies in {} ({})", subnet.str(), block, what),
                        subnet.base.v6 ? "take one of fd00::/8, or of a prefix that is routed to this host"
                                       : "take one of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16");
    }
  }
  return {};
}

}  // namespace

Result<AddressBlock> plan_addresses(const AddressRequest& request, const std::vector<Pool>& pools,
                                    const std::vector<Occupied>& occupied) {
  AddressBlock plan;
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

Result<Address> choose_address(const AddressBlock& block, const std::vector<Address>& in_use,
                               const std::optional<Address>& last_given) {
  const Subnet range = block.ip_range.value_or(block.subnet);
  const std::set<Address> taken(in_use.begin(), in_use.end());
  const AddressBits last = range.last().bits() - range.base.bits();
  const bool known = last_given && range.contains(*last_given);
  AddressBits offset = known ? last_given->bits() - range.base.bits() : last;
  // After so many steps either a free one was found or there is none: only taken and reserved ones are passed over.
  const AddressBits tries = std::min<AddressBits>(last, taken.size() + block.aux.size() + 4);
  for (AddressBits step = 0; step <= tries; ++step) {
    offset = offset == last ? 0 : offset + 1;
    const Address candidate = range.at(offset);
    if (!reserved(block, candidate) && !taken.contains(candidate)) return candidate;
  }
  return make_error(fmt::format("no free address left in {}", range.str()), "use a larger subnet or ip_range");
}

Status check_address(const AddressBlock& block, const Address& wanted, const std::vector<Address>& in_use) {
  const std::string object = fmt::format("address {}", wanted.str());
  if (!block.subnet.contains(wanted)) {
    return make_error(fmt::format("{} is outside subnet {}", object, block.subnet.str()));
  }
  if (reserved(block, wanted)) return make_error(fmt::format("{} is reserved (gateway, auxiliary or edge)", object));
  if (std::ranges::find(in_use, wanted) != in_use.end()) return make_error(fmt::format("{} is already in use", object));
  return {};
}

}  // namespace berth::netns
