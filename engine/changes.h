#pragma once

// What differs between two configurations, in the words of a compose file. Pure.

#include <string>
#include <vector>

#include "engine/config.h"

namespace berth::engine {

/// One attribute that is not as it should be: "environment.LEVEL", "\"info\"", "\"debug\"".
struct Change {
  std::string attribute;
  std::string before, after;  // as JSON; empty = not set
  bool operator==(const Change&) const = default;
};

/// "environment.LEVEL: "info" -> "debug"", printable.
[[nodiscard]] std::string to_text(const Change& change);

/// By attribute. Places in files do not count, and of contents only their digests are shown.
[[nodiscard]] std::vector<Change> changes_between(const ContainerConfig& before, const ContainerConfig& after);
/// Of networks and volumes the labels that tools put on those of projects do not count, either.
[[nodiscard]] std::vector<Change> changes_between(const NetworkConfig& before, const NetworkConfig& after);
[[nodiscard]] std::vector<Change> changes_between(const VolumeConfig& before, const VolumeConfig& after);

}  // namespace berth::engine
