#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "registry/docker_config.h"
#include "registry/settings.h"

namespace berth::registry {

/// The user's logins where Docker keeps them: in its config.json or with the credential helpers that it names. Reads
/// the file anew with each call. Hosts as in Endpoint; "docker.io" is Docker Hub.
class Logins {
 public:
  explicit Logins(std::string path) : path_(std::move(path)) {}
  /// $DOCKER_CONFIG/config.json, else ~/.docker/config.json.
  [[nodiscard]] static Logins of_user();

  [[nodiscard]] const std::string& path() const { return path_; }
  /// The file; an empty one if there is none.
  [[nodiscard]] Result<DockerConfig> config() const;

  [[nodiscard]] Result<std::optional<Credentials>> find(const std::string& host) const;
  /// Replaces the login. The file is replaced at once, keeps its mode and owner, and is 0600 when new. True if the
  /// password is in the file itself, false if a helper has it.
  [[nodiscard]] Result<bool> store(const std::string& host, const Credentials& credentials) const;
  /// False if there was no login.
  [[nodiscard]] Result<bool> erase(const std::string& host) const;

 private:
  [[nodiscard]] Status write(const DockerConfig& config) const;
  std::string path_;
};

}  // namespace berth::registry
