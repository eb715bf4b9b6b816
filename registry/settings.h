#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace berth::registry {

struct Credentials {
  std::string user;
  std::string password;
  std::string identity_token;  // in place of a password (Docker's `identitytoken`)
};

/// Where the content of one registry may be fetched.
struct Endpoint {
  std::string location;   // host[:port][/path prefix], without scheme
  bool insecure = false;  // http is tried when https fails, certificates are not verified
  bool mirror = false;    // pull only
};

/// What is configured on this machine about registries and how to log in to them.
struct Settings {
  /// Mirrors first, the registry itself last, for a repository "docker.io/library/nginx". Docker Hub's own endpoint is
  /// registry-1.docker.io. Loopback addresses are insecure by themselves, as with Docker.
  std::function<std::vector<Endpoint>(const std::string& repository)> endpoints;
  /// The user's credentials for an endpoint's host ("docker.io" means Docker Hub); none: anonymous. May start a
  /// credential helper. Error: the helper's, or a config.json that cannot be read.
  std::function<Result<std::optional<Credentials>>(const std::string& host)> credentials;
  /// Directories that may hold certificates for a host, in Docker's layout: DIR/HOST[:PORT]/{*.crt, *.cert + *.key}.
  std::vector<std::string> certificate_directories = {"/etc/berth/certs.d", "/etc/docker/certs.d"};
};

/// The settings of this machine and user: /etc/berth/registries.conf ($BERTH_REGISTRIES_CONF), Docker's config.json
/// ($DOCKER_CONFIG, else ~/.docker). Error: a file that is damaged, with its place.
[[nodiscard]] Result<Settings> load_settings();

}  // namespace berth::registry
