#include "registry/access.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"
#include "registry/answer.h"
#include "registry/certificates.h"

namespace berth::registry {
namespace {

using Kind = Failure::Kind;

constexpr int kRedirectLimit = 10;

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

Attempt<Url> redirected(const HttpResponse& response) {
  Result<Url> next = resolve_url(response.url, response.header("location"));
  if (!next) return failure(Kind::refused, std::move(next).context("{}: redirect", response.url.authority).error());
  if (response.url.encrypted() && !next->encrypted()) {
    return failure(Kind::refused, make_error(fmt::format("{}: redirects from https to {}: refused",
                                                         response.url.authority, printable(next->origin))));
  }
  return *next;
}

HttpRequest http_request(const Endpoint& endpoint, const Url& url, const RegistryRequest& request,
                         const std::optional<std::string>& authorization) {
  HttpRequest http;
  http.method = request.method;
  http.url = url;
  http.headers = request.headers;
  http.body = request.body;
  http.upload = request.upload;
  http.limit = request.limit;
  http.on_head = request.on_head;
  http.sink = request.sink;
  http.trust.verify = !endpoint.insecure;
  if (authorization) http.headers.push_back("Authorization: " + *authorization);
  return http;
}

}  // namespace

Attempt<HttpResponse> follow(Http& http, const Settings& settings, HttpRequest request) {
  bool may_move = request.method == "GET" || request.method == "HEAD";
  for (int hop = 0;; ++hop) {
    Result<Trust> trust = trust_for(settings.certificate_directories, request.url.authority, request.trust.verify);
    if (!trust) return failure(Kind::untrusted, std::move(trust).error());
    request.trust = std::move(*trust);
    Attempt<HttpResponse> response = http.perform(request);
    if (!response || !may_move || !is_redirect(response->status)) return response;
    if (hop == kRedirectLimit) {
      return failure(Kind::refused, make_error(fmt::format("{}: more than {} redirects", request.url.authority, hop)));
    }
    Attempt<Url> next = redirected(*response);
    if (!next) return tl::make_unexpected(std::move(next).error());
    if (next->origin != request.url.origin) {
      std::erase_if(request.headers, [](const std::string& header) { return header.starts_with("Authorization:"); });
    }
    request.url = std::move(*next);
  }
}

Attempt<HttpResponse> Access::send(const Endpoint& endpoint, const RegistryRequest& request) {
  if (!request.url.empty()) {
    Result<Url> url = parse_url(request.url);
    if (!url) return failure(Kind::refused, std::move(url).error());
    return send_to(endpoint, *url, request);
  }
  std::string scheme = "https";
  bool settled = !endpoint.insecure;
  {
    std::lock_guard lock(mutex_);
    if (auto known = schemes_.find(endpoint.host); known != schemes_.end()) scheme = known->second, settled = true;
  }
  auto try_scheme = [&](const std::string& name) -> Attempt<HttpResponse> {
    Result<Url> url = parse_url(name + "://" + endpoint.host + "/v2/" + request.path);
    if (!url) return failure(Kind::refused, std::move(url).error());
    return send_to(endpoint, *url, request);
  };
  Attempt<HttpResponse> response = try_scheme(scheme);
  bool no_tls = !response && (response.error().kind == Kind::unreachable || response.error().kind == Kind::untrusted);
  if (!settled && no_tls) {
    scheme = "http";
    response = try_scheme(scheme);
    no_tls = !response && response.error().kind == Kind::unreachable;
  }
  if (!no_tls) {
    std::lock_guard lock(mutex_);
    schemes_.emplace(endpoint.host, scheme);
  }
  return response;
}

Attempt<HttpResponse> Access::send_to(const Endpoint& endpoint, const Url& url, const RegistryRequest& request) {
  auto ask = [&](const std::optional<std::string>& authorization) {
    return follow(http_, settings_, http_request(endpoint, url, request, authorization));
  };
  Result<Url> registry = parse_url(url.scheme + "://" + endpoint.host);
  bool to_registry = registry && registry->origin == url.origin;  // an upload may go elsewhere, a login may not
  std::optional<std::string> authorization;
  if (to_registry) {
    Attempt<std::optional<std::string>> known = auth_.known(endpoint, request.scope);
    if (!known) return tl::make_unexpected(std::move(known).error());
    authorization = std::move(*known);
  }
  Attempt<HttpResponse> response = ask(authorization);
  bool asked_by_registry = response && response->status == 401 && to_registry && response->url.origin == url.origin;
  if (asked_by_registry) {
    Attempt<std::string> answer = auth_.answer(endpoint, request.scope, *response, authorization, request.what);
    if (!answer) return tl::make_unexpected(std::move(answer).error());
    response = ask(*answer);
  }
  if (!response || response->success()) return response;
  if (std::find(request.accepted.begin(), request.accepted.end(), response->status) != request.accepted.end()) {
    return response;
  }
  std::string hint;
  if (response->status == 401 || response->status == 403) hint = auth_.hint(endpoint);
  if (response->status == 404) hint = "it has no such repository, tag or content; is the name right?";
  return tl::make_unexpected(refusal(*response, request.what, std::move(hint)));
}

}  // namespace berth::registry
