#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace berth::registry {

struct Credentials {
  std::string user;
  std::string password;
  std::string identity_token;  // in place of a password (Docker's `identitytoken`)
};

/// Where the content of one repository may be fetched.
struct Endpoint {
  std::string host;       // host[:port], without scheme
  std::string path;       // of the repository there: "library/nginx"
  bool insecure = false;  // http is tried when https fails, certificates are not verified
  bool mirror = false;    // pull only
};

/// How long to wait for registries, how often to try again, and who may end that.
struct Patience {
  Duration connect = std::chrono::seconds(15);  // for one address
  Duration stall = std::chrono::seconds(30);    // without a byte, then the connection counts as broken
  Duration first_delay = std::chrono::milliseconds(500);
  Duration longest_delay = std::chrono::seconds(60);  // a registry that asks for more is not waited for
  int tries = 5;                                      // without progress
  /// Asked while waiting, at least once a second, from any thread: true ends everything with ECANCELED.
  std::function<bool()> cancelled = [] { return false; };
};

/// Told of what takes time without failing. Called from any thread.
using Note = std::function<void(const std::string& text)>;

/// What is configured on this machine about registries and how to log in to them.
struct Settings {
  /// Mirrors first, the registry itself last, for a repository "docker.io/library/nginx" or only a domain. Docker Hub's
  /// own host is registry-1.docker.io. Loopback addresses are insecure by themselves, as with Docker. Error: the
  /// registry is blocked.
  std::function<Result<std::vector<Endpoint>>(const std::string& repository)> endpoints;
  /// The user's credentials for an endpoint's host ("docker.io" means Docker Hub); none: anonymous. May start a
  /// credential helper. Error: the helper's.
  std::function<Result<std::optional<Credentials>>(const std::string& host)> credentials;
  /// Directories that may hold certificates for a host, in Docker's layout: DIR/HOST[:PORT]/{*.crt, *.cert + *.key}.
  std::vector<std::string> certificate_directories;
  Patience patience;
};

/// The settings of this machine and user: /etc/berth/registries.conf ($BERTH_REGISTRIES_CONF), Docker's config.json
/// ($DOCKER_CONFIG, else ~/.docker), certs.d beside the former and Docker's. Error: a file that is damaged, with its
/// place.
[[nodiscard]] Result<Settings> load_settings();

}  // namespace berth::registry
