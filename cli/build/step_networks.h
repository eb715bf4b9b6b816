#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "builder/step_network.h"
#include "cli/context.h"
#include "netns/outbound.h"

namespace berth::cli {

/// What RUN steps live in. Nothing is made before a step asks. Safe for several threads.
class StepNetworks {
 public:
  explicit StepNetworks(const Context& context) : context_(context) {}

  /// "host"; "none": loopback alone; "" and "default": a way out and nothing else, or the host's where that cannot be;
  /// else a place in a network that `up` has made, which the supervisor lends.
  [[nodiscard]] Result<builder::StepNetwork> make(const std::string& name);

 private:
  [[nodiscard]] Result<builder::StepNetwork> make_outbound();
  [[nodiscard]] Result<builder::StepNetwork> borrow(const std::string& name) const;

  const Context& context_;
  std::mutex mutex_;
  std::optional<netns::OutboundNetwork> outbound_;
  std::string no_outbound_;  // why there is none
};

}  // namespace berth::cli
