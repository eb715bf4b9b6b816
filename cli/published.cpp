#include "cli/published.h"

#include <fmt/core.h>

namespace berth::cli {

std::vector<engine::PublishedPort> bindings(const engine::Container& container) {
  std::vector<engine::PublishedPort> all;
  if (!container.live.alive()) return all;
  for (const engine::PublishedPort& port : container.live.ports) {
    for (const char* address : {"0.0.0.0", "::"}) {
      all.push_back(port);
      if (!port.host_ip.empty()) break;
      all.back().host_ip = address;
    }
  }
  return all;
}

std::string host_address(const engine::PublishedPort& port) {
  bool v6 = port.host_ip.find(':') != std::string::npos;
  return fmt::format("{}:{}", v6 ? "[" + port.host_ip + "]" : port.host_ip, port.host_port);
}

}  // namespace berth::cli
