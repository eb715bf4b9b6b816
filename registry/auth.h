#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "registry/challenge.h"
#include "registry/failure.h"
#include "registry/http.h"
#include "registry/scope.h"
#include "registry/settings.h"

namespace berth::registry {

/// Gets through a request (redirects, certificates) as Access does it.
using Send = std::function<Attempt<HttpResponse>(HttpRequest)>;

/// Answers the challenges of registries: Basic with the user's name and password, Bearer with a token from the service
/// that the challenge names. Remembers how each host wants it and keeps tokens until they expire. Safe for use from
/// several threads at once; those that need the same token wait for the first.
class Auth {
 public:
  using CredentialsOf = std::function<Result<std::optional<Credentials>>(const std::string& host)>;

  /// `credentials` is asked once a host. `keep_login`: asks token services for an identity token to keep.
  Auth(CredentialsOf credentials, Send send, bool keep_login = false);

  /// The value for `Authorization` by what is known of the endpoint so far; nothing if it has not asked for any.
  [[nodiscard]] Attempt<std::optional<std::string>> known(const Endpoint& endpoint, const Scope& scope);

  /// The value that answers a 401. `sent`: the value that has just been refused, so that a token that has expired is
  /// replaced. `what` was asked for, for messages. Failure: nothing better can be offered.
  [[nodiscard]] Attempt<std::string> answer(const Endpoint& endpoint, const Scope& scope, const HttpResponse& refused,
                                            const std::optional<std::string>& sent, const std::string& what);

  /// What to tell a user whom this endpoint does not let in.
  [[nodiscard]] std::string hint(const Endpoint& endpoint);
  /// The identity token that a token service gave, if keep_login; else empty.
  [[nodiscard]] std::string identity_token();

 private:
  struct Token {
    std::string value;
    std::chrono::steady_clock::time_point expires;
  };
  struct Login {
    std::optional<Credentials> credentials;
    std::optional<Error> trouble;  // why there are none
  };

  // With the mutex held.
  const Login& login(const std::string& host);
  std::optional<std::string> basic(const std::string& host);
  /// `scope` is what the token is kept for, `wanted` what it is asked for.
  [[nodiscard]] Attempt<std::string> bearer(const Endpoint& endpoint, const Challenge& challenge, const Scope& scope,
                                            const Scope& wanted, const std::optional<std::string>& sent);
  [[nodiscard]] Attempt<Token> fetch(const Endpoint& endpoint, const Challenge& challenge, const Scope& scope);
  [[nodiscard]] Attempt<Token> read_token(const HttpResponse& response, const std::string& what);
  [[nodiscard]] std::string hint_for(const std::string& host);

  CredentialsOf credentials_of_;
  Send send_;
  bool keep_login_;
  std::mutex mutex_;
  std::map<std::string, Challenge> challenges_;  // by host
  std::map<std::string, Login> logins_;          // by host
  std::map<std::string, Token> tokens_;          // by host, service and scope
  std::string identity_token_;
};

}  // namespace berth::registry
