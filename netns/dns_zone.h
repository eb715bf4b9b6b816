#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "netns/address.h"

namespace berth::netns {

/// Through whose eyes a name is looked up.
struct ZoneView {
  std::string scope;                  // the project: its declared names are never asked of anybody else
  std::vector<std::string> networks;  // ids, the most important first
  std::map<std::string, std::string, std::less<>>
      links;                   // names of its own, and which name each stands for; lower case
  std::string linked_network;  // id of one more network, where only links lead; may be empty
};

/// The names of one container on one network.
struct EndpointNames {
  std::string endpoint;            // unique in the network: the container id
  std::vector<std::string> names;  // service, container name, aliases, short id, host name; any case. What no DNS
                                   // message can ask for (a label of 64 bytes and the like) is left out silently.
  std::string pointer;             // answer to PTR, without the network: the container name
  std::vector<Address> addresses;
};

/// Who is called what: changed by the engine, read by the DnsServer, in one thread. Everything it returns is in effect
/// with the next query.
class Zone {
 public:
  Zone();
  ~Zone();
  Zone(const Zone&) = delete;
  Zone& operator=(const Zone&) = delete;

  /// `name` makes "db.shop_default" a name; addresses in `subnets` are never asked of upstream servers. Again =
  /// replace.
  void add_network(const std::string& id, const std::string& name, const std::vector<Subnet>& subnets);
  /// With all its endpoints; unknown is fine.
  void remove_network(const std::string& id);

  /// Names that belong to this project even while nothing answers to them, besides those declared before.
  void declare(const std::string& scope, const std::vector<std::string>& names);
  void undeclare(const std::string& scope);

  /// Replaces an endpoint of the same id. The network must have been added.
  void add_endpoint(const std::string& network, EndpointNames names);
  void remove_endpoint(const std::string& network, const std::string& endpoint);

  enum class Found {
    yes,      // `addresses` (or `pointer`) hold the answer; of another type there may be none
    no_data,  // ours, but nothing answers to it now: NOERROR and empty
    no_name,  // in our address space, but nobody's: NXDOMAIN
    foreign,  // not ours: ask upstream
  };
  struct Addresses {
    Found found = Found::foreign;
    std::span<const Address> addresses;  // valid until the zone changes
  };
  /// `name` in lower case without a last dot. The first network of the view that knows the name decides.
  [[nodiscard]] Addresses find(const ZoneView& view, std::string_view name) const;

  struct Pointer {
    Found found = Found::foreign;
    std::string_view name;     // "shop-db-1"
    std::string_view network;  // "shop_default"
  };
  [[nodiscard]] Pointer find_pointer(const ZoneView& view, const Address& address) const;

 private:
  struct Network;
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  using Names = std::unordered_map<std::string, std::vector<Address>, Hash, std::equal_to<>>;
  using NameSet = std::set<std::string, std::less<>>;

  [[nodiscard]] const Network* network(std::string_view id) const;
  [[nodiscard]] Addresses find_linked(const ZoneView& view, std::string_view name) const;
  [[nodiscard]] bool declared(std::string_view scope, std::string_view name) const;

  std::unordered_map<std::string, std::unique_ptr<Network>, Hash, std::equal_to<>> networks_;
  std::map<std::string, NameSet, std::less<>> declared_;
};

}  // namespace berth::netns
