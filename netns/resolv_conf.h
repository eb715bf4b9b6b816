#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "netns/address.h"

namespace berth::netns {

/// resolv.conf(5). Unknown lines are ignored, the last `search` or `domain` counts, options add up.
struct ResolvConf {
  std::vector<Address> nameservers;
  std::vector<std::string> search;
  std::vector<std::string> options;
};

[[nodiscard]] ResolvConf parse_resolv_conf(std::string_view text);

/// What a container with our DNS gets: 127.0.0.11 as its only server, `search` and `options` as given, `ndots:0` added
/// unless an ndots is among the options.
[[nodiscard]] std::string render_container_resolv_conf(const std::vector<std::string>& search,
                                                       const std::vector<std::string>& options);

}  // namespace berth::netns
