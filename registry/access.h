#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "registry/auth.h"
#include "registry/http.h"
#include "registry/settings.h"

namespace berth::registry {

/// What is asked of a registry, whichever of its endpoints answers.
struct RegistryRequest {
  std::string what;  // for messages: "manifest library/nginx:latest"
  std::string method = "GET";
  std::string path;  // below /v2/
  std::string url;   // in place of `path`: where the registry sent us for an upload
  std::vector<std::string> headers;
  std::string body;
  const Upload* upload = nullptr;
  Scope scope;
  std::vector<int> accepted;  // statuses besides 2xx that are an answer and no failure
  size_t limit = 64 << 10;
  std::function<Status(const HttpResponse&)> on_head;
  std::function<Status(std::string_view)> sink;
};

/// One try of a request at one endpoint: finds the scheme, logs in, follows redirects. Safe for use from several
/// threads at once.
class Access {
 public:
  /// All three must outlive this.
  Access(const Settings& settings, Http& http, Auth& auth) : settings_(settings), http_(http), auth_(auth) {}

  /// Failure: no answer, or one that is neither 2xx nor in `accepted`.
  [[nodiscard]] Attempt<HttpResponse> send(const Endpoint& endpoint, const RegistryRequest& request);

 private:
  [[nodiscard]] Attempt<HttpResponse> send_to(const Endpoint& endpoint, const Url& url, const RegistryRequest& request);

  const Settings& settings_;
  Http& http_;
  Auth& auth_;
  std::mutex mutex_;
  std::map<std::string, std::string> schemes_;  // by host, what has worked
};

/// Sends the request with the certificates that are kept for its host, and follows the redirects of GET and HEAD. Sends
/// `Authorization` to no other server, and leaves https for nothing.
[[nodiscard]] Attempt<HttpResponse> follow(Http& http, const Settings& settings, HttpRequest request);

}  // namespace berth::registry
