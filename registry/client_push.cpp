// Uploads, and the check of a login.

#include <fmt/core.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/text.h"
#include "registry/answer.h"
#include "registry/client.h"
#include "registry/client_state.h"

namespace berth::registry {
namespace {

using Kind = Failure::Kind;

Result<uint64_t> size_of(const std::string& file) {
  struct stat info {};
  if (stat(file.c_str(), &info) != 0) return sys_error("stat " + file, errno);
  return static_cast<uint64_t>(info.st_size);
}

/// Where the registry wants the content of an upload that it has accepted.
Attempt<std::string> upload_location(const HttpResponse& accepted, const std::string& what) {
  std::string location = accepted.header("location");
  Result<Url> url = resolve_url(accepted.url, location);
  if (location.empty() || !url) {
    return failure(Kind::refused, make_error(fmt::format("{}: {}: expected the location of the upload, got \"{}\"",
                                                         accepted.url.authority, what, printable(location))));
  }
  if (accepted.url.encrypted() && !url->encrypted()) {
    return failure(Kind::refused, make_error(fmt::format("{}: {}: moves the upload from https to {}: refused",
                                                         accepted.url.authority, what, printable(url->origin))));
  }
  return url->text;
}

}  // namespace

Result<bool> Client::has_blob(const images::Reference& repository, const images::Digest& digest) {
  BERTH_TRY(Endpoint endpoint, state_->target(repository.repository()));
  RegistryRequest request;
  request.what = "blob " + digest.str();
  request.method = "HEAD";
  request.path = endpoint.path + "/blobs/" + digest.str();
  request.scope = push_scope(endpoint.path);
  request.accepted = {404};
  return state_->retried<bool>([&]() -> Attempt<bool> {
    Attempt<HttpResponse> response = state_->access.send(endpoint, request);
    if (!response) return tl::make_unexpected(std::move(response).error());
    return response->success();
  });
}

Result<bool> Client::put_blob(const images::Reference& repository, const images::Digest& digest,
                              const std::string& file, const std::optional<std::string>& mount_from,
                              const std::function<void(uint64_t sent)>& progress) {
  BERTH_TRY(Endpoint endpoint, state_->target(repository.repository()));
  Upload upload{file, 0, progress};
  BERTH_TRY(upload.size, size_of(file));

  RegistryRequest begin;
  begin.what = "upload of blob " + digest.str();
  begin.method = "POST";
  begin.path = endpoint.path + "/blobs/uploads/";
  begin.headers = {"Content-Type:"};  // libcurl would call it a form
  begin.scope = push_scope(endpoint.path);
  if (mount_from) {
    begin.path = with_query(with_query(begin.path, "mount", digest.str()), "from", *mount_from);
    begin.scope.merge(pull_scope(*mount_from));
  }
  RegistryRequest send;
  send.what = begin.what;
  send.method = "PUT";
  send.headers = {"Content-Type: application/octet-stream"};
  send.upload = &upload;
  send.scope = begin.scope;

  return state_->retried<bool>([&]() -> Attempt<bool> {
    Attempt<HttpResponse> accepted = state_->access.send(endpoint, begin);
    if (!accepted) return tl::make_unexpected(std::move(accepted).error());
    if (accepted->status == 201) return true;  // mounted
    Attempt<std::string> location = upload_location(*accepted, begin.what);
    if (!location) return tl::make_unexpected(std::move(location).error());
    send.url = with_query(*location, "digest", digest.str());
    Attempt<HttpResponse> sent = state_->access.send(endpoint, send);
    if (!sent) return tl::make_unexpected(std::move(sent).error());
    return false;
  });
}

Status Client::put_manifest(const images::Reference& reference, const std::string& media_type,
                            const std::string& bytes) {
  BERTH_TRY(Endpoint endpoint, state_->target(reference.repository()));
  RegistryRequest request;
  request.what = "upload of manifest " + reference.familiar();
  request.method = "PUT";
  request.path = endpoint.path + "/manifests/" + (reference.tag.empty() ? reference.digest->str() : reference.tag);
  request.headers = {"Content-Type: " + media_type};
  request.body = bytes;
  request.scope = push_scope(endpoint.path);
  Result<HttpResponse> stored = state_->retried<HttpResponse>([&] { return state_->access.send(endpoint, request); });
  if (!stored) return std::move(stored).error();
  return {};
}

Result<std::string> Client::check_credentials(const std::string& domain, const Credentials& credentials) {
  BERTH_TRY(Endpoint endpoint, state_->target(domain));
  auto these = [&](const std::string&) -> Result<std::optional<Credentials>> { return std::optional(credentials); };
  auto send = [this](HttpRequest request) { return follow(state_->http, state_->settings, std::move(request)); };
  Auth auth(these, send, true);
  Access access(state_->settings, state_->http, auth);
  RegistryRequest request;
  request.what = "login";
  Result<HttpResponse> answer = state_->retried<HttpResponse>([&] { return access.send(endpoint, request); });
  if (!answer) return std::move(answer).error();
  return auth.identity_token();
}

}  // namespace berth::registry
