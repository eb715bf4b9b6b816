#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/state.h"
#include "netns/ipam.h"

namespace berth::supervise {

/// Who has which address on one network.
class AddressBook {
 public:
  /// One address of each family of the network: the one that is asked for, else the one the container had before (where
  /// it is still free), else the next. Errors: netns::check_address(), choose_address().
  [[nodiscard]] Result<std::vector<netns::Address>> take(const netns::NetworkSpec& network,
                                                         const std::string& container,
                                                         const engine::AttachmentConfig& wanted,
                                                         const engine::EndpointState* before);
  /// What a container has already.
  void note(const std::string& container, const engine::EndpointState& endpoint);
  void release(const std::string& container) { given_.erase(container); }

  [[nodiscard]] size_t count() const { return given_.size(); }  // of containers

 private:
  std::map<std::string, std::vector<netns::Address>> given_;  // by container id
  std::map<bool, netns::Address> last_given_;                 // by family: IPv6?
};

/// Those of an endpoint, the main one first.
[[nodiscard]] std::vector<netns::Address> addresses_of(const engine::EndpointState& endpoint);

}  // namespace berth::supervise
