#include "registry/http_failure.h"

#include <fmt/core.h>

#include "base/text.h"

namespace berth::registry {
namespace {

using Kind = Failure::Kind;

bool speaks_no_tls(const std::string& detail) {
  return detail.find("wrong version number") != std::string::npos ||
         detail.find("packet length too long") != std::string::npos;
}

Kind kind_of(CURLcode code, const std::string& detail, bool connected) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_PROXY:
      return Kind::unreachable;
    case CURLE_OPERATION_TIMEDOUT:
      return connected ? Kind::transient : Kind::unreachable;
    case CURLE_SSL_CONNECT_ERROR:
      return speaks_no_tls(detail) ? Kind::untrusted : Kind::unreachable;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
      return Kind::untrusted;
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_AGAIN:
      return Kind::transient;
    default:
      return Kind::refused;
  }
}

std::string hint_of(CURLcode code, const std::string& detail, const Url& url) {
  if (code == CURLE_SSL_CONNECT_ERROR && speaks_no_tls(detail)) {
    return fmt::format("if {} is meant to speak plain http, say insecure = true for it in /etc/berth/registries.conf",
                       url.authority);
  }
  if (code == CURLE_PEER_FAILED_VERIFICATION) {
    return fmt::format("the certificate of its own authority belongs into /etc/berth/certs.d/{}/ca.crt", url.authority);
  }
  return {};
}

}  // namespace

Failure curl_failure(CURLcode code, const std::string& detail, const Url& url, bool connected) {
  std::string reason = detail.empty() ? curl_easy_strerror(code) : detail;
  return {kind_of(code, detail, connected),
          make_error(fmt::format("{}: {}", url.authority, printable(trim(reason))), hint_of(code, detail, url)),
          std::nullopt};
}

}  // namespace berth::registry
