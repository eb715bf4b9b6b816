#pragma once

// What containers take from others: namespaces ("service:db" or "container:NAME" as network_mode, ipc, pid) and mounts
// (volumes_from). In a record the others are named by their ids, as "container:ID", so that it shows when one of them
// has been made anew.

#include <map>
#include <string>
#include <vector>

#include "engine/config.h"
#include "engine/state.h"

namespace berth::engine {

/// The mode itself if it names another container ("service:db", "container:ID"), else "".
[[nodiscard]] std::string joined(const std::string& mode);

/// The id in the mode of a record ("container:ID"); "" for a mode of another kind.
[[nodiscard]] std::string joined_id(const std::string& mode);

/// Everything that names another container, always in the same order: network, ipc, pid, volumes_from.
[[nodiscard]] std::vector<std::string> lenders_of(const ContainerConfig& config);

/// Records of lenders, by how the configuration names them.
using Lenders = std::map<std::string, const ContainerRecord*>;

/// Puts ids in the place of names in `config`, and takes over what comes with a joined network: the host's name.
/// Requires: every lender is there.
void name_lenders_by_id(ContainerConfig& config, const Lenders& lenders);

/// Mounts of the lenders of volumes_from on targets where `mounts` has none are added there. Volumes among them that
/// have no name of their own are added to `anonymous_volumes`.
void take_mounts(const std::vector<VolumesFrom>& wanted, const Lenders& lenders, std::vector<MountConfig>& mounts,
                 std::vector<std::string>& anonymous_volumes);

}  // namespace berth::engine
