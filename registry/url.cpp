#include "registry/url.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <fmt/core.h>

#include <memory>

#include "base/text.h"

namespace berth::registry {
namespace {

struct UrlCloser {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Handle = std::unique_ptr<CURLU, UrlCloser>;

constexpr unsigned kFlags = CURLU_DISALLOW_USER | CURLU_NON_SUPPORT_SCHEME;

/// A part of the URL; empty where it has none.
std::string part(CURLU* url, CURLUPart which, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, which, &text, flags) != CURLUE_OK) return {};
  std::string copy = text;
  curl_free(text);
  return copy;
}

Result<Url> read(CURLU* handle, const std::string& text) {
  curl_url_set(handle, CURLUPART_FRAGMENT, nullptr, 0);
  Url url;
  url.scheme = to_lower(part(handle, CURLUPART_SCHEME));
  if (url.scheme != "http" && url.scheme != "https") {
    return make_error(fmt::format("\"{}\": expected an http or https URL", printable(text)));
  }
  std::string host = to_lower(part(handle, CURLUPART_HOST));
  std::string port = part(handle, CURLUPART_PORT);
  url.text = part(handle, CURLUPART_URL);
  url.authority = port.empty() ? host : host + ":" + port;
  url.origin = url.scheme + "://" + host + ":" + part(handle, CURLUPART_PORT, CURLU_DEFAULT_PORT);
  return url;
}

Result<Url> read_into(CURLU* handle, const std::string& text) {
  CURLUcode code = curl_url_set(handle, CURLUPART_URL, text.c_str(), kFlags);
  if (code != CURLUE_OK) {
    return make_error(fmt::format("\"{}\" is no usable URL: {}", printable(text), curl_url_strerror(code)));
  }
  return read(handle, text);
}

}  // namespace

Result<Url> parse_url(const std::string& text) {
  Handle handle(curl_url());
  return read_into(handle.get(), text);
}

Result<Url> resolve_url(const Url& base, const std::string& location) {
  Handle handle(curl_url());
  curl_url_set(handle.get(), CURLUPART_URL, base.text.c_str(), kFlags);
  return read_into(handle.get(), location);
}

std::string with_query(const std::string& url, std::string_view name, std::string_view value) {
  char separator = url.find('?') == std::string::npos ? '?' : '&';
  return fmt::format("{}{}{}={}", url, separator, name, percent_encoded(value));
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kPlain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string encoded;
  for (char c : text) {
    if (kPlain.find(c) != std::string_view::npos)
      encoded += c;
    else
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return encoded;
}

bool is_loopback(std::string_view authority) {
  std::string host(authority);
  if (host.starts_with('[')) {
    host = host.substr(1, host.find(']') - 1);
  } else if (size_t colon = host.rfind(':'); colon != std::string::npos && host.find(':') == colon) {
    host.resize(colon);
  }
  if (to_lower(host) == "localhost") return true;
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
  in6_addr v6{};
  return inet_pton(AF_INET6, host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

}  // namespace berth::registry
