#pragma once

#include <memory>
#include <string>

#include "sys/netns.h"

namespace berth::builder {

/// The network that a RUN step lives in.
struct StepNetwork {
  sys::Netns netns;            // invalid: the host's own
  std::string resolv_conf;     // text of the file
  std::string host_address;    // what `host-gateway` stands for; empty: the host cannot be reached
  std::string notice;          // a line that the user should see; empty: nothing to say
  std::shared_ptr<void> lent;  // what the step needs meanwhile; goes with this
};

}  // namespace berth::builder
