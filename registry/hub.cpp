#include "registry/hub.h"

namespace berth::registry {

bool is_hub(const std::string& host) {
  return host == kHubDomain || host == kHubHost || host == "index.docker.io";
}

std::string login_key(const std::string& host) {
  return is_hub(host) ? kHubLoginKey : host;
}

std::string login_command(const std::string& host) {
  return is_hub(host) ? "berth login" : "berth login " + host;
}

}  // namespace berth::registry
