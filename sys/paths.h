#pragma once

#include <string>

namespace berth::sys {

/// Every path of the host that berth writes to comes from here, so that two roots never meet and an ordinary user's lie
/// in their home.
struct Paths {
  std::string root;  // what lasts: images, volumes, containers, networks
  std::string run;   // what a reboot may take: sockets, runtime records

  /// From $BERTH_ROOT and $BERTH_RUN, else /var/lib/berth and /run/berth, for an ordinary user
  /// $XDG_DATA_HOME/berth and $XDG_RUNTIME_DIR/berth.
  [[nodiscard]] static Paths from_environment();

  [[nodiscard]] std::string images() const { return root + "/images"; }
  [[nodiscard]] std::string volumes() const { return root + "/volumes"; }
  [[nodiscard]] std::string networks() const { return root + "/networks"; }
  [[nodiscard]] std::string containers() const { return root + "/containers"; }
  [[nodiscard]] std::string container(const std::string& id) const { return containers() + "/" + id; }
  [[nodiscard]] std::string live() const { return run + "/containers"; }
  [[nodiscard]] std::string socket() const { return run + "/supervisor.sock"; }

  /// Eight hex digits that tell this root from every other: part of the names of cgroups and nftables tables.
  [[nodiscard]] std::string tag() const;
};

}  // namespace berth::sys
