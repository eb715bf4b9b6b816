#include "supervise/address_book.h"

#include <fmt/core.h>

namespace berth::supervise {
namespace {

using netns::Address;

/// Nothing if the text is empty or not of this family.
std::optional<Address> of_family(const std::string& text, bool v6) {
  std::optional<Address> address = Address::parse(text);
  return address && address->v6 == v6 ? address : std::nullopt;
}

}  // namespace

std::vector<Address> addresses_of(const engine::EndpointState& endpoint) {
  std::vector<Address> addresses;
  for (const std::string& text : {endpoint.address, endpoint.ipv6_address}) {
    if (std::optional<Address> address = Address::parse(text)) addresses.push_back(*address);
  }
  return addresses;
}

Result<std::vector<Address>> AddressBook::take(const netns::NetworkSpec& network, const std::string& container,
                                               const engine::AttachmentConfig& wanted,
                                               const engine::EndpointState* before) {
  std::vector<Address> in_use, chosen;
  for (const auto& [id, addresses] : given_) {
    if (id != container) in_use.insert(in_use.end(), addresses.begin(), addresses.end());
  }
  for (const bool v6 : {false, true}) {
    const std::string& text = v6 ? wanted.ipv6_address : wanted.ipv4_address;
    const netns::AddressBlock* block = network.block(v6);
    std::optional<Address> address = of_family(text, v6);
    if (!text.empty() && (block == nullptr || !address)) {
      return make_error(fmt::format("network {}: it has no address \"{}\"", network.name, text));
    }
    if (block == nullptr) continue;
    if (address) BERTH_TRY_OK(netns::check_address(*block, *address, in_use).context("network {}", network.name));
    std::optional<Address> had =
        before == nullptr ? std::nullopt : of_family(v6 ? before->ipv6_address : before->address, v6);
    if (!address && had && netns::check_address(*block, *had, in_use)) address = had;
    if (!address) {
      auto last = last_given_.find(v6);
      BERTH_TRY(address, netns::choose_address(*block, in_use,
                                               last == last_given_.end() ? std::nullopt : std::optional(last->second))
                             .context("network {}", network.name));
      last_given_[v6] = *address;
    }
    chosen.push_back(*address);
  }
  given_[container] = chosen;
  return chosen;
}

void AddressBook::note(const std::string& container, const engine::EndpointState& endpoint) {
  given_[container] = addresses_of(endpoint);
}

}  // namespace berth::supervise
