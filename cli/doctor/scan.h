#pragma once

#include "cli/doctor/owners.h"
#include "cli/doctor/thing.h"

namespace berth::cli::doctor {

// Each part looks at the kernel, and asks the owners whose it is. In the order in which things are to be removed.

/// Control groups below this root's own and those that records name, with their processes and the namespaces of those.
[[nodiscard]] Things scan_groups(const Owners& owners);
/// Keeper, supervisor, and commands at work.
[[nodiscard]] Things scan_helpers(const Owners& owners);
/// Bridges, parents and the host's ends of the containers' interfaces.
[[nodiscard]] Things scan_links(const Owners& owners);
/// The table, and rules in the chains of other firewalls.
[[nodiscard]] Things scan_rules(const Owners& owners);
/// What is mounted below the root.
[[nodiscard]] Things scan_mounts(const Owners& owners);
/// Directories and files below $BERTH_ROOT and $BERTH_RUN, and the socket.
[[nodiscard]] Things scan_files(const Owners& owners);

/// All of it. What comes or goes while this looks is no leftover.
[[nodiscard]] Things scan(const sys::Paths& paths);

}  // namespace berth::cli::doctor
