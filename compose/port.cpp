#include "compose/port.h"

#include <arpa/inet.h>
#include <fmt/core.h>

#include <algorithm>
#include <optional>

#include "base/text.h"

namespace berth::compose {
namespace {

struct Range {
  unsigned first = 0;
  unsigned last = 0;
  [[nodiscard]] unsigned count() const { return last - first + 1; }
};

std::optional<Range> parse_range(std::string_view text) {
  size_t dash = text.find('-');
  std::optional<unsigned long long> first = parse_unsigned(text.substr(0, dash));
  std::optional<unsigned long long> last =
      dash == std::string_view::npos ? first : parse_unsigned(text.substr(dash + 1));
  if (!first || !last || *first > *last || *last > 65535) return std::nullopt;
  return Range{static_cast<unsigned>(*first), static_cast<unsigned>(*last)};
}

bool valid_ip(const std::string& text) {
  unsigned char address[sizeof(in6_addr)];
  return inet_pton(AF_INET, text.c_str(), address) == 1 || inet_pton(AF_INET6, text.c_str(), address) == 1;
}

/// The last field of a colon-separated text, taken off it. From the right, because IPv6 addresses have colons too.
std::string_view pop_field(std::string_view& text) {
  size_t colon = text.rfind(':');
  std::string_view field = colon == std::string_view::npos ? text : text.substr(colon + 1);
  text = colon == std::string_view::npos ? std::string_view{} : text.substr(0, colon);
  return field;
}

Result<std::string> host_address(std::string_view text) {
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  std::string address(text);
  if (!address.empty() && !valid_ip(address)) return make_error(fmt::format("\"{}\" is not an IP address", address));
  return address;
}

std::string published_text(const std::optional<Range>& host, const Range& container, unsigned index) {
  if (!host) return {};
  if (container.count() == 1 && host->count() > 1) return fmt::format("{}-{}", host->first, host->last);
  return std::to_string(host->first + index);
}

}  // namespace

bool valid_port_range(std::string_view text) {
  return parse_range(text).has_value();
}

Result<std::vector<Port>> parse_port(std::string_view text) {
  std::string protocol = "tcp";
  std::string_view rest = text;
  if (size_t slash = rest.rfind('/'); slash != std::string_view::npos) {
    protocol = to_lower(rest.substr(slash + 1));
    rest = rest.substr(0, slash);
    if (protocol != "tcp" && protocol != "udp" && protocol != "sctp") {
      return make_error(fmt::format("unknown protocol \"{}\"", protocol), "tcp, udp or sctp");
    }
  }
  std::string_view container_text = pop_field(rest);
  std::string_view host_text = pop_field(rest);
  if (container_text.empty()) return make_error("no container port");

  std::optional<Range> container = parse_range(container_text);
  if (!container || container->first == 0) {
    return make_error(fmt::format("invalid container port \"{}\"", container_text), "a number from 1 to 65535");
  }
  std::optional<Range> host;
  if (!host_text.empty()) {
    host = parse_range(host_text);
    if (!host) return make_error(fmt::format("invalid host port \"{}\"", host_text), "a number from 0 to 65535");
    if (container->count() != 1 && host->count() != container->count()) {
      return make_error(fmt::format("{} host ports for {} container ports", host->count(), container->count()));
    }
  }
  BERTH_TRY(std::string host_ip, host_address(rest));

  std::vector<Port> ports;
  for (unsigned i = 0; i < container->count(); ++i) {
    Port port;
    port.host_ip = host_ip;
    port.published = published_text(host, *container, i);
    port.target = static_cast<uint16_t>(container->first + i);
    port.protocol = protocol;
    ports.push_back(std::move(port));
  }
  return ports;
}

}  // namespace berth::compose
