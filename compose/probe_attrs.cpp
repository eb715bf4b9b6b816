// Whom the probes of x-berth-probe ask.

#include <arpa/inet.h>
#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"
#include "compose/codecs.h"

namespace berth::compose {
namespace {

constexpr std::string_view kHttp = "http://", kTls = "https://";
constexpr uint16_t kHttpPort = 80;

bool is_host(const std::string& text) {
  unsigned char bytes[sizeof(in6_addr)];
  return text == "localhost" || inet_pton(AF_INET, text.c_str(), bytes) == 1 ||
         inet_pton(AF_INET6, text.c_str(), bytes) == 1;
}

/// "[HOST:]PORT", an IPv6 address in brackets. Without a port it is `fallback`, 0 = there must be one.
bool parse_authority(std::string_view text, uint16_t fallback, ProbeTarget& target) {
  size_t bracket = text.starts_with('[') ? text.find(']') : std::string_view::npos;
  size_t colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
  std::string_view host = text.substr(0, colon), port = colon == std::string_view::npos ? "" : text.substr(colon + 1);
  if (colon == std::string_view::npos && fallback == 0) std::swap(host, port);  // a port alone
  if (bracket != std::string_view::npos) {
    if (host.size() != bracket + 1) return false;
    host = host.substr(1, bracket - 1);
  }
  target.host = host.empty() ? "localhost" : std::string(host);
  std::optional<unsigned long long> number = parse_unsigned(port);
  if (!number && port.empty() && fallback != 0) number = fallback;
  if (!number || *number < 1 || *number > UINT16_MAX || !is_host(target.host)) return false;
  target.port = static_cast<uint16_t>(*number);
  return true;
}

/// A path goes over the wire as it is.
bool is_path(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

std::string authority(const ProbeTarget& target) {
  bool v6 = target.host.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", v6 ? "[" : "", target.host, v6 ? "]" : "", target.port);
}

bool fail(const In& in, const std::string& text, const char* form) {
  in.error(fmt::format("\"{}\" is not understood", text),
           fmt::format("write {}; HOST is an address of the container or localhost, which it is without one", form));
  return false;
}

constexpr Attr kProbeRows[] = {
    attr<&NativeProbe::grpc, GrpcTarget>("grpc").remark("[HOST:]PORT[/SERVICE], by the gRPC health checking protocol"),
    attr<&NativeProbe::http, HttpTarget>("http").remark("[http://][HOST:]PORT[/PATH]; healthy is status 200 to 399"),
    attr<&NativeProbe::tcp, TcpTarget>("tcp").remark("[HOST:]PORT; healthy is a connection"),
};

}  // namespace

const Table& native_probe_table() {
  static constexpr Table kTable{"probe", kProbeRows, extensions_of<NativeProbe>};
  return kTable;
}

bool HttpTarget::decode(const In& in, ProbeTarget& value) {
  std::string written;
  if (!TextOrNumber::decode(in, written)) return false;
  if (written.starts_with(kTls)) {
    in.error("https is not supported: a probe checks that the service answers, not its certificate",
             "probe a port without TLS, or use tcp");
    return false;
  }
  bool url = written.starts_with(kHttp);
  std::string_view text = std::string_view(written).substr(url ? kHttp.size() : 0);
  size_t slash = text.find('/');
  value.path = slash == std::string_view::npos ? "/" : text.substr(slash);
  bool understood = parse_authority(text.substr(0, slash), url ? kHttpPort : 0, value) && is_path(value.path);
  return understood || fail(in, written, "[http://][HOST:]PORT[/PATH]");
}
bool HttpTarget::encode(const ProbeTarget& value, Tree& out) {
  return out = Tree::string(std::string(kHttp) + authority(value) + value.path), true;
}

bool TcpTarget::decode(const In& in, ProbeTarget& value) {
  std::string written;
  if (!TextOrNumber::decode(in, written)) return false;
  return parse_authority(written, 0, value) || fail(in, written, "[HOST:]PORT");
}
bool TcpTarget::encode(const ProbeTarget& value, Tree& out) {
  return out = Tree::string(authority(value)), true;
}

bool GrpcTarget::decode(const In& in, ProbeTarget& value) {
  std::string written;
  if (!TextOrNumber::decode(in, written)) return false;
  std::string_view text = written;
  size_t slash = text.find('/');
  if (slash != std::string_view::npos) value.path = text.substr(slash + 1);
  constexpr size_t kLongest = 120;  // so that the question fits into a frame whose lengths are one byte each
  bool understood = parse_authority(text.substr(0, slash), 0, value) && is_path(value.path);
  return (understood && value.path.size() <= kLongest) || fail(in, written, "[HOST:]PORT[/SERVICE]");
}
bool GrpcTarget::encode(const ProbeTarget& value, Tree& out) {
  return out = Tree::string(authority(value) + (value.path.empty() ? "" : "/" + value.path)), true;
}

bool NativeProbeForm::decode(const In& in, NativeProbe& value) {
  if (!Object::decode(in, value)) return false;
  auto is_kind = [](const Member& member) { return !member.value.is_null() && !member.key.starts_with("x-"); };
  if (std::count_if(in.tree.members.begin(), in.tree.members.end(), is_kind) != 1) {
    in.error("needs exactly one of http, tcp and grpc");
    return false;
  }
  return value.http || value.tcp || value.grpc;  // one that was not understood has been reported
}

}  // namespace berth::compose
