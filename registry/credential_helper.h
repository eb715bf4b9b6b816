#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "registry/settings.h"

namespace berth::registry {

/// The program docker-credential-NAME in $PATH, which keeps logins somewhere better than in a file. `server` is the key
/// of the login (login_key). Errors say what the program said.
class CredentialHelper {
 public:
  explicit CredentialHelper(std::string name) : program_("docker-credential-" + std::move(name)) {}

  /// Nothing if it has no login for the server.
  [[nodiscard]] Result<std::optional<Credentials>> get(const std::string& server) const;
  [[nodiscard]] Status store(const std::string& server, const Credentials& credentials) const;
  /// Ok if there was none.
  [[nodiscard]] Status erase(const std::string& server) const;

 private:
  struct Outcome {
    bool success = false;
    std::string output;
  };
  [[nodiscard]] Result<Outcome> run(const char* action, const std::string& input) const;
  [[nodiscard]] Error complaint(const char* action, const std::string& output) const;

  std::string program_;
};

}  // namespace berth::registry
