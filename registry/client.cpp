#include "registry/client.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/text.h"
#include "images/blob_writer.h"
#include "images/manifest.h"
#include "registry/answer.h"
#include "registry/client_state.h"

namespace berth::registry {
namespace {

using Kind = Failure::Kind;

const char* const kAcceptManifests =
    "Accept: application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

RegistryRequest manifest_request(const images::Reference& reference, const Endpoint& endpoint, const char* method) {
  RegistryRequest request;
  request.what = "manifest " + reference.familiar();
  request.method = method;
  request.path = endpoint.path + "/manifests/" + (reference.digest ? reference.digest->str() : reference.tag);
  request.headers = {kAcceptManifests};
  request.scope = pull_scope(endpoint.path);
  request.limit = images::kMetadataLimit;
  return request;
}

/// Without parameters; a server that calls it nothing or text leaves it to the document itself.
std::string media_type_of(const HttpResponse& response) {
  std::string type = to_lower(trim(split(response.header("content-type"), ';').front()));
  if (type.find("manifest") != std::string::npos || type.find("index") != std::string::npos) return type;
  nlohmann::json document = nlohmann::json::parse(response.body, nullptr, false);
  if (!document.is_object()) return type;
  auto said = document.find("mediaType");
  return said != document.end() && said->is_string() ? said->get<std::string>() : type;
}

Attempt<Document> document_from(const images::Reference& reference, HttpResponse response) {
  images::Digest found = images::sha256_of(response.body);
  std::optional<images::Digest> expected = reference.digest;
  if (Result<images::Digest> told = images::Digest::parse(response.header("docker-content-digest"));
      told && !expected) {
    expected = *told;
  }
  if (expected && *expected != found) {
    return failure(
        Kind::transient,
        images::digest_mismatch(response.url.authority + ": manifest " + reference.familiar(), *expected, found));
  }
  std::string type = media_type_of(response);
  return Document{std::move(type), std::move(found), std::move(response.body)};
}

}  // namespace

Client::State::State(Settings the_settings, Note the_note)
    : settings(std::move(the_settings)),
      note(std::move(the_note)),
      http(settings.patience),
      auth(settings.credentials, [this](HttpRequest request) { return follow(http, settings, std::move(request)); }),
      access(settings, http, auth) {}

Result<std::vector<Endpoint>> Client::State::sources(const std::string& repository) {
  BERTH_TRY(std::vector<Endpoint> endpoints, settings.endpoints(repository));
  BERTH_CHECK(!endpoints.empty());
  std::lock_guard lock(mutex_);
  auto last = endpoints.end() - 1;
  endpoints.erase(std::remove_if(endpoints.begin(), last,
                                 [&](const Endpoint& source) { return unreachable_.contains(source.host); }),
                  last);
  return endpoints;
}

Result<Endpoint> Client::State::target(const std::string& repository) {
  BERTH_TRY(std::vector<Endpoint> endpoints, settings.endpoints(repository));
  BERTH_CHECK(!endpoints.empty() && !endpoints.back().mirror);
  return endpoints.back();
}

void Client::State::pass_over(const Endpoint& endpoint, const Failure& failure) {
  if (note) note(failure.error.message() + "; trying the next source");
  if (failure.kind != Kind::unreachable && failure.kind != Kind::untrusted) return;
  std::lock_guard lock(mutex_);
  unreachable_.insert(endpoint.host);
}

Client::Client(Settings settings, Note note) : state_(std::make_unique<State>(std::move(settings), std::move(note))) {}
Client::Client(Client&&) noexcept = default;
Client::~Client() = default;

Result<Document> Client::manifest(const images::Reference& reference) {
  return state_->from_sources<Document>(reference.repository(), [&](const Endpoint& endpoint) -> Attempt<Document> {
    Attempt<HttpResponse> response = state_->access.send(endpoint, manifest_request(reference, endpoint, "GET"));
    if (!response) {
      Failure failed = std::move(response).error();
      if (failed.kind == Kind::ours) failed.error.context.push_back("manifest " + reference.familiar());
      return tl::make_unexpected(std::move(failed));
    }
    return document_from(reference, std::move(*response));
  });
}

Result<images::Digest> Client::manifest_digest(const images::Reference& reference) {
  using images::Digest;
  BERTH_TRY(std::optional<Digest> told,
            state_->from_sources<std::optional<Digest>>(
                reference.repository(), [&](const Endpoint& endpoint) -> Attempt<std::optional<Digest>> {
                  Attempt<HttpResponse> response =
                      state_->access.send(endpoint, manifest_request(reference, endpoint, "HEAD"));
                  if (!response) return tl::make_unexpected(std::move(response).error());
                  Result<Digest> digest = Digest::parse(response->header("docker-content-digest"));
                  return digest ? std::optional(*digest) : std::nullopt;
                }));
  if (told) return *told;
  BERTH_TRY(Document document, manifest(reference));
  return document.digest;
}

}  // namespace berth::registry
