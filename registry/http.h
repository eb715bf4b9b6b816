#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "registry/failure.h"
#include "registry/settings.h"
#include "registry/url.h"

namespace berth::registry {

/// Whom to believe, and who we are.
struct Trust {
  bool verify = true;
  std::string authorities;       // PEM, believed beside the system's
  std::string certificate, key;  // paths; empty: none
};

/// A file that is sent as the body, from its beginning with every try.
struct Upload {
  std::string path;
  uint64_t size = 0;
  std::function<void(uint64_t sent)> progress;
};

struct HttpResponse {
  Url url;  // who answered
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;                                          // empty where a sink got it

  /// The first header of this name (in lower case); empty if there is none.
  [[nodiscard]] std::string header(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> all_headers(std::string_view name) const;
  [[nodiscard]] bool success() const { return status >= 200 && status < 300; }
};

struct HttpRequest {
  std::string method = "GET";
  Url url;
  std::vector<std::string> headers;  // "Name: value"
  std::string body;                  // POST and PUT
  const Upload* upload = nullptr;    // in place of `body`
  Trust trust;
  size_t limit =
      64 << 10;  // of a body that no sink gets; a longer one is a failure, or cut if the status is none of success
  /// Called when the headers of a successful answer are known; an error ends the transfer.
  std::function<Status(const HttpResponse&)> on_head;
  /// Gets the body of a successful answer; an error ends the transfer.
  std::function<Status(std::string_view)> sink;
};

/// HTTP over libcurl. Keeps connections for later requests to the same server. Follows no redirects and tries nothing
/// twice: both are for those who know what the request means. Safe for use from several threads at once.
class Http {
 public:
  explicit Http(Patience patience);
  ~Http();
  Http(Http&&) = delete;
  Http& operator=(Http&&) = delete;

  /// The answer, whatever its status. Failure `ours`: the error of on_head, of the sink or of reading the upload,
  /// or it was cancelled.
  [[nodiscard]] Attempt<HttpResponse> perform(const HttpRequest& request);

 private:
  struct Pool;
  Patience patience_;
  std::unique_ptr<Pool> pool_;
};

}  // namespace berth::registry
