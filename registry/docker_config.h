#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "registry/settings.h"

namespace berth::registry {

/// The parts of Docker's config.json that are about logins; all else is kept as it is. Hosts as in Endpoint.
class DockerConfig {
 public:
  /// Empty text: an empty config. `name` of the file stands in errors, with line and column.
  [[nodiscard]] static Result<DockerConfig> parse(std::string_view text, const std::string& name);

  /// The NAME of docker-credential-NAME that keeps the login for this host; empty if the file itself does.
  [[nodiscard]] std::string helper(const std::string& host) const;
  /// What the file itself keeps. Error: an entry that cannot be read, by its key.
  [[nodiscard]] Result<std::optional<Credentials>> login(const std::string& host) const;
  /// Whether there is an entry for the host, be it an empty one (its login is with a helper).
  [[nodiscard]] bool mentions(const std::string& host) const;

  /// An entry with empty credentials says that a helper keeps them.
  void set(const std::string& host, const Credentials& credentials);
  void erase(const std::string& host);

  /// As Docker writes it: indented by tabs, keys in their order.
  [[nodiscard]] std::string text() const;

 private:
  using Json = nlohmann::ordered_json;
  explicit DockerConfig(Json root, std::string name) : root_(std::move(root)), name_(std::move(name)) {}
  /// The key below "auths" for the host; empty if there is none.
  [[nodiscard]] std::string key_of(const std::string& host) const;

  Json root_;
  std::string name_;
};

}  // namespace berth::registry
