#pragma once

#include <map>
#include <string>

#include "base/result.h"

namespace berth::cli {

/// What becomes of containers whose services are not in the file.
struct Orphans {
  bool remove = false;  // --remove-orphans, or COMPOSE_REMOVE_ORPHANS
  bool ignore = false;  // COMPOSE_IGNORE_ORPHANS: no word about them

  /// `environment`: the project's. Error: both are asked for.
  [[nodiscard]] static Result<Orphans> of(bool remove_flag, const std::map<std::string, std::string>& environment);
};

}  // namespace berth::cli
