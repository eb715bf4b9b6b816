#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "compose/model.h"

namespace berth::compose {

/// Flags, each with its values: one with several values is given several times.
using FlagValues = std::vector<std::pair<std::string, Strings>>;

/// What runs a service that has no container: a program that is told to bring it up and to take it down.
struct Provider {
  std::string type;  // which program: docs/providers.md
  FlagValues options;
};

[[nodiscard]] inline bool has_provider(const Service& service) {
  return !service.provider.is_null();
}
/// The `provider` section of a service that has one, in which load() found nothing wrong.
[[nodiscard]] Provider provider_of(const Service& service);

}  // namespace berth::compose
