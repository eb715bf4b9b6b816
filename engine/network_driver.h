#pragma once

// The drivers of networks with their options, as Docker names them.

#include <string>
#include <vector>

#include "base/result.h"
#include "engine/config.h"
#include "netns/spec.h"

namespace berth::engine {

/// A network's driver and options, understood.
struct NetworkDriver {
  netns::NetworkSpec spec;            // all but addresses and id
  std::string interface_prefix;       // of the interfaces in the containers: "eth"
  std::vector<Error> errors;          // an unknown driver, values that no option takes
  std::vector<std::string> warnings;  // options that are unknown or have no effect
};
[[nodiscard]] NetworkDriver read_driver(const NetworkConfig& network);

/// The network mode that takes the place of this network: "host", "none", or "" for a network to be connected to.
[[nodiscard]] std::string mode_of(const NetworkConfig& network);

}  // namespace berth::engine
