#pragma once

// What is decided of a container's places in its networks before there are any: which interface, whose default route.

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "engine/config.h"
#include "engine/state.h"

namespace berth::engine {

/// The order of the interfaces: by priority, then by name.
[[nodiscard]] std::vector<AttachmentConfig> in_order(std::vector<AttachmentConfig> attachments);

/// An attachment's driver_opts (com.docker.network.endpoint.…), understood.
struct EndpointOptions {
  std::string interface;                                     // empty: not said
  std::vector<std::pair<std::string, std::string>> sysctls;  // "ipv4/conf/IFNAME/forwarding" and its value
  std::vector<Error> errors;
  std::vector<std::string> warnings;
};
[[nodiscard]] EndpointOptions read_endpoint_options(const StringMap& options);

/// What the attachment asks its interface to be called; empty: nothing.
[[nodiscard]] std::string wanted_interface(const AttachmentConfig& attachment);

/// A name for each attachment's interface: what it asks for, else what it has in `there`, else the first free one of
/// its prefix ("eth"). Error: two of one name.
[[nodiscard]] Result<std::vector<std::string>> interface_names(const std::vector<AttachmentConfig>& attachments,
                                                               const std::vector<std::string>& prefixes,
                                                               const std::vector<EndpointState>& there);

/// True if the default route goes rather by `a` than by `b`: the higher gw_priority, then the first name, as Docker.
[[nodiscard]] bool routes_before(const AttachmentConfig& a, const AttachmentConfig& b);

}  // namespace berth::engine
