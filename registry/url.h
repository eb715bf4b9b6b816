#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace berth::registry {

/// An absolute http or https URL without user, password and fragment.
struct Url {
  std::string text;
  std::string scheme;     // "http" or "https"
  std::string authority;  // "host", "host:5000" as the text has it
  std::string origin;     // scheme, host and port with defaults filled in: equal means the same server

  [[nodiscard]] bool encrypted() const { return scheme == "https"; }
};

/// Error: the text, and what is wrong with it.
[[nodiscard]] Result<Url> parse_url(const std::string& text);
/// A `Location` as seen from `base`, absolute or relative.
[[nodiscard]] Result<Url> resolve_url(const Url& base, const std::string& location);
/// The URL with one more query parameter.
[[nodiscard]] std::string with_query(const std::string& url, std::string_view name, std::string_view value);
/// The text as it stands in a query or a form (RFC 3986, section 2.1).
[[nodiscard]] std::string percent_encoded(std::string_view text);

/// Whether "host" or "host:port" is this machine by its very name: localhost, 127.0.0.0/8, ::1.
[[nodiscard]] bool is_loopback(std::string_view authority);

}  // namespace berth::registry
