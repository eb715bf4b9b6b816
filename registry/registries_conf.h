#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "registry/settings.h"

namespace berth::registry {

/// registries.conf, in the part of containers-registries.conf(5) that is about where to find a registry: [[registry]]
/// with prefix, location, insecure and blocked, [[registry.mirror]] with location and insecure (docs/registries.md).
class RegistriesConf {
 public:
  RegistriesConf() = default;
  /// Error: the first mistake, with file, line and column.
  [[nodiscard]] static Result<RegistriesConf> parse(std::string_view text, const std::string& name);

  /// What Settings::endpoints returns. The longest prefix that covers the repository counts.
  [[nodiscard]] Result<std::vector<Endpoint>> endpoints(const std::string& repository) const;

 private:
  struct Mirror {
    std::string location;
    bool insecure = false;
  };
  struct Registry {
    std::string prefix, location;
    bool insecure = false;
    bool blocked = false;
    std::vector<Mirror> mirrors;
    std::string place;  // "file:3:1"
  };
  friend class RegistriesConfReader;

  std::vector<Registry> registries_;
};

}  // namespace berth::registry
