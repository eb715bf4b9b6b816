#include "registry/settings.h"

#include "registry/hub.h"
#include "registry/url.h"

namespace berth::registry {

Endpoint own_endpoint(const std::string& repository) {
  size_t slash = repository.find('/');
  std::string domain = repository.substr(0, slash);
  Endpoint endpoint;
  endpoint.host = is_hub(domain) ? kHubHost : domain;
  endpoint.path = slash == std::string::npos ? "" : repository.substr(slash + 1);
  endpoint.insecure = is_loopback(domain);
  return endpoint;
}

Result<Settings> load_settings() {
  Settings settings;
  settings.endpoints = [](const std::string& repository) -> Result<std::vector<Endpoint>> {
    return std::vector{own_endpoint(repository)};
  };
  settings.credentials = [](const std::string&) -> Result<std::optional<Credentials>> {
    return std::optional<Credentials>();
  };
  return settings;
}

}  // namespace berth::registry
