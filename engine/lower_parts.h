#pragma once

// The parts of lower(), one file for each family of attributes. Each fills its share of `container`; what the runtime
// cannot do is an error in `diagnostics`.

#include "base/diagnostics.h"
#include "compose/model.h"
#include "engine/config.h"

namespace berth::engine {

struct Lowering {
  const compose::Project& project;
  const compose::Service& service;
  Diagnostics& diagnostics;
  ContainerConfig& container;
};

void lower_network(const Lowering& in);
void lower_storage(const Lowering& in);
void lower_resources(const Lowering& in);
/// Privileges, and the namespaces but for the network's.
void lower_security(const Lowering& in);

/// How containers are replaced. Requires the container's network.
void lower_rollout(const Lowering& in, ServiceConfig& config);

/// A declared volume.
[[nodiscard]] VolumeConfig lower_volume(const compose::Project& project, const std::string& key,
                                        Diagnostics& diagnostics);

/// Which families of addresses a network has, and which addresses.
void lower_ipam(const std::string& key, const compose::Network& network, NetworkConfig& config,
                Diagnostics& diagnostics);

[[nodiscard]] StringMap map_of(const compose::Pairs& pairs);

}  // namespace berth::engine
