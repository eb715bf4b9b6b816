#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compose/model.h"

namespace berth::compose {

/// What a change on the host means to the service: an entry of `develop.watch`.
struct WatchRule {
  std::string action;  // rebuild, sync, restart, sync+restart, sync+exec
  std::string path;    // absolute
  std::string target;  // in the container
  Strings ignore, include;
  std::optional<bool> initial_sync;
  std::optional<Hook> exec;
  SourceSpan span;
};
struct Develop {
  std::vector<WatchRule> watch;
};

/// The `develop` section of a service, in which load() found nothing wrong.
[[nodiscard]] Develop develop_of(const Service& service);

}  // namespace berth::compose
