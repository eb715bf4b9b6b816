#include "registry/auth.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/text.h"
#include "registry/answer.h"
#include "registry/hub.h"

namespace berth::registry {
namespace {

using Clock = std::chrono::steady_clock;
using Kind = Failure::Kind;

constexpr const char* kClientId = "berth";

/// The challenge that we can answer best, or nullptr.
const Challenge* best_of(const std::vector<Challenge>& challenges) {
  for (const char* scheme : {"bearer", "basic"}) {
    auto found = std::find_if(challenges.begin(), challenges.end(),
                              [&](const Challenge& challenge) { return challenge.scheme == scheme; });
    if (found != challenges.end()) return &*found;
  }
  return nullptr;
}

/// A token becomes a header: what could begin another one is refused.
bool is_plain(const std::string& token) {
  return !token.empty() && std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < 127; });
}

std::string text_member(const nlohmann::json& object, const char* name) {
  auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string form(const std::vector<std::pair<std::string, std::string>>& fields) {
  std::vector<std::string> parts;
  for (const auto& [name, value] : fields) parts.push_back(name + "=" + percent_encoded(value));
  return join(parts, "&");
}

std::string basic_value(const Credentials& credentials) {
  return "Basic " + base64_encode(credentials.user + ":" + credentials.password);
}

HttpRequest refresh_request(const Url& realm, const std::string& service, const Scope& scope,
                            const std::string& identity_token) {
  HttpRequest request;
  request.method = "POST";
  request.url = realm;
  request.headers = {"Content-Type: application/x-www-form-urlencoded"};
  request.body = form({{"grant_type", "refresh_token"},
                       {"service", service},
                       {"client_id", kClientId},
                       {"scope", to_text(scope)},
                       {"refresh_token", identity_token}});
  return request;
}

Result<HttpRequest> token_request(const Url& realm, const std::string& service, const Scope& scope,
                                  const std::optional<Credentials>& credentials, bool keep_login) {
  std::string url = realm.text;
  if (!service.empty()) url = with_query(url, "service", service);
  for (const auto& [resource, actions] : scope) url = with_query(url, "scope", to_text({{resource, actions}}));
  if (keep_login) url = with_query(with_query(url, "client_id", kClientId), "offline_token", "true");
  HttpRequest request;
  if (credentials && !credentials->user.empty()) {
    url = with_query(url, "account", credentials->user);
    request.headers = {"Authorization: " + basic_value(*credentials)};
  }
  BERTH_TRY(request.url, parse_url(url));
  return request;
}

}  // namespace

Auth::Auth(CredentialsOf credentials, Send send, bool keep_login)
    : credentials_of_(std::move(credentials)), send_(std::move(send)), keep_login_(keep_login) {}

Attempt<std::optional<std::string>> Auth::known(const Endpoint& endpoint, const Scope& scope) {
  std::lock_guard lock(mutex_);
  auto found = challenges_.find(endpoint.host);
  if (found == challenges_.end()) return std::nullopt;
  if (found->second.scheme == "basic") return basic(endpoint.host);
  return bearer(endpoint, found->second, scope, scope, std::nullopt).map([](std::string value) {
    return std::optional(std::move(value));
  });
}

Attempt<std::string> Auth::answer(const Endpoint& endpoint, const Scope& scope, const HttpResponse& refused,
                                  const std::optional<std::string>& sent, const std::string& what) {
  std::lock_guard lock(mutex_);
  std::vector<Challenge> offered;
  for (const std::string& header : refused.all_headers("www-authenticate")) {
    for (Challenge& challenge : parse_challenges(header)) offered.push_back(std::move(challenge));
  }
  const Challenge* challenge = best_of(offered);
  if (challenge == nullptr) return tl::make_unexpected(refusal(refused, what, hint_for(endpoint.host)));
  challenges_.insert_or_assign(endpoint.host, *challenge);
  if (challenge->scheme == "bearer") {
    Scope wanted = scope;
    add_scope(wanted, challenge->parameter("scope"));
    return bearer(endpoint, *challenge, scope, wanted, sent);
  }
  std::optional<std::string> value = basic(endpoint.host);
  if (!value || value == sent) return tl::make_unexpected(refusal(refused, what, hint_for(endpoint.host)));
  return *value;
}

const Auth::Login& Auth::login(const std::string& host) {
  if (auto found = logins_.find(host); found != logins_.end()) return found->second;
  Login login;
  if (Result<std::optional<Credentials>> credentials = credentials_of_(host))
    login.credentials = std::move(*credentials);
  else
    login.trouble = std::move(credentials).error();
  return logins_.emplace(host, std::move(login)).first->second;
}

std::optional<std::string> Auth::basic(const std::string& host) {
  const Login& known = login(host);
  if (!known.credentials || known.credentials->user.empty()) return std::nullopt;
  return basic_value(*known.credentials);
}

Attempt<std::string> Auth::bearer(const Endpoint& endpoint, const Challenge& challenge, const Scope& scope,
                                  const Scope& wanted, const std::optional<std::string>& sent) {
  std::string key =
      join({endpoint.host, challenge.parameter("realm"), challenge.parameter("service"), to_text(scope)}, "\n");
  auto found = tokens_.find(key);
  if (found != tokens_.end() && found->second.expires > Clock::now()) {
    std::string value = "Bearer " + found->second.value;
    if (value != sent) return value;
  }
  Attempt<Token> token = fetch(endpoint, challenge, wanted);
  if (!token) return tl::make_unexpected(std::move(token).error());
  std::string value = "Bearer " + token->value;
  tokens_.insert_or_assign(key, std::move(*token));
  return value;
}

Attempt<Auth::Token> Auth::fetch(const Endpoint& endpoint, const Challenge& challenge, const Scope& scope) {
  Result<Url> realm = parse_url(challenge.parameter("realm"));
  if (!realm) return failure(Kind::refused, std::move(realm).context("{}: token service", endpoint.host).error());
  // A loopback registry is insecure without anybody's saying so. That goes for loopback and no further.
  bool insecure = endpoint.insecure && (!is_loopback(endpoint.host) || is_loopback(realm->authority));
  if (!realm->encrypted() && !insecure) {
    return failure(Kind::refused,
                   make_error(fmt::format("{}: its token service {} is not encrypted: expected an https URL",
                                          endpoint.host, printable(realm->text)),
                              "a login must not be sent in the clear; if that is meant, insecure = true for the "
                              "registry in /etc/berth/registries.conf allows it"));
  }
  const Login& known = login(endpoint.host);
  std::string service = challenge.parameter("service");
  bool has_identity = known.credentials && !known.credentials->identity_token.empty();
  Result<HttpRequest> request = has_identity
                                    ? Result(refresh_request(*realm, service, scope, known.credentials->identity_token))
                                    : token_request(*realm, service, scope, known.credentials, keep_login_);
  if (!request) return failure(Kind::refused, std::move(request).error());
  request->limit = 1 << 20;
  request->trust.verify = !insecure;
  std::string what = scope.empty() ? "token for " + endpoint.host : "token for " + to_text(scope);
  Attempt<HttpResponse> response = send_(std::move(*request));
  if (!response) {
    // The registry itself has answered: nobody shall look for it elsewhere because its token service does not.
    Failure trouble = std::move(response).error();
    if (trouble.kind == Kind::unreachable) trouble.kind = Kind::transient;
    if (trouble.kind == Kind::untrusted) trouble.kind = Kind::refused;
    return tl::make_unexpected(std::move(trouble));
  }
  if (!response->success()) return tl::make_unexpected(refusal(*response, what, hint_for(endpoint.host)));
  return read_token(*response, what);
}

Attempt<Auth::Token> Auth::read_token(const HttpResponse& response, const std::string& what) {
  nlohmann::json answer = nlohmann::json::parse(response.body, nullptr, false);
  if (!answer.is_object()) {
    return failure(Kind::refused,
                   make_error(fmt::format("{}: {}: expected JSON with a token", response.url.authority, what)));
  }
  Token token;
  token.value = text_member(answer, "token");
  if (token.value.empty()) token.value = text_member(answer, "access_token");
  if (!is_plain(token.value)) {
    return failure(Kind::refused,
                   make_error(fmt::format("{}: {}: the answer holds no usable token", response.url.authority, what)));
  }
  // 60 seconds: what the specification of the token services says for those that do not tell.
  int64_t seconds = 60;
  auto expires_in = answer.find("expires_in");
  if (expires_in != answer.end() && expires_in->is_number_integer()) {
    seconds = std::clamp<int64_t>(expires_in->get<int64_t>(), 0, 24 * 3600);
  }
  token.expires = Clock::now() + std::chrono::seconds(seconds - std::min<int64_t>(10, seconds / 5));
  if (keep_login_) identity_token_ = text_member(answer, "refresh_token");
  return token;
}

std::string Auth::hint(const Endpoint& endpoint) {
  std::lock_guard lock(mutex_);
  return hint_for(endpoint.host);
}

std::string Auth::hint_for(const std::string& host) {
  if (keep_login_) return {};  // who is logging in need not be told to
  const Login& known = login(host);
  if (known.trouble) return "the login kept for " + host + " could not be read: " + known.trouble->message();
  std::string command = login_command(host);
  if (!known.credentials) return "if the repository exists, it needs a login: " + command;
  std::string user = known.credentials->user.empty() ? "the login kept" : "user " + printable(known.credentials->user);
  return fmt::format("{} is not let in; to log in anew: {}", user, command);
}

std::string Auth::identity_token() {
  std::lock_guard lock(mutex_);
  return identity_token_;
}

}  // namespace berth::registry
