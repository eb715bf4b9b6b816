#pragma once

#include <memory>
#include <vector>

#include "netns/dns_forwarder.h"

namespace berth::netns {

/// One query to these servers (at least one), in this order; lives until it has called `request.reply`.
void start_exchange(std::shared_ptr<Forwarder> forwarder, ForwardRequest request, std::vector<Address> servers);

}  // namespace berth::netns
