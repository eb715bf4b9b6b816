#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cli/command_line.h"
#include "cli/container_model.h"

namespace berth::cli {

/// Which networks a container is on, and as what: --network and the flags that go with it.
class NetworkFlags {
 public:
  void add_to(Command command);
  /// Without --network it is on the default bridge.
  [[nodiscard]] Status apply(ContainerModel& model) const;

 private:
  std::vector<std::string> networks_, aliases_, link_local_ips_, ip_, ip6_, mac_;
};

}  // namespace berth::cli
