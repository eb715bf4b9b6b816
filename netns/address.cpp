#include "netns/address.h"

#include <arpa/inet.h>
#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"

namespace berth::netns {

std::optional<Ipv4> Ipv4::parse(std::string_view text) {
  in_addr raw{};
  if (inet_pton(AF_INET, std::string(text).c_str(), &raw) != 1) return std::nullopt;
  return Ipv4{ntohl(raw.s_addr)};
}

std::string Ipv4::str() const {
  return fmt::format("{}.{}.{}.{}", bits >> 24, bits >> 16 & 255, bits >> 8 & 255, bits & 255);
}

std::optional<Subnet> Subnet::parse(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto address = Ipv4::parse(text.substr(0, slash));
  const auto prefix = parse_unsigned(text.substr(slash + 1));
  if (!address || !prefix || *prefix > 32) return std::nullopt;
  return of(*address, static_cast<int>(*prefix));
}

Subnet Subnet::of(Ipv4 address, int prefix) {
  Subnet subnet{address, prefix};
  subnet.base.bits &= subnet.mask();
  return subnet;
}

std::string Subnet::str() const {
  return fmt::format("{}/{}", base.str(), prefix);
}

std::optional<Address> Address::parse(std::string_view text) {
  if (const auto v4 = Ipv4::parse(text)) return of(*v4);
  Address address{.v6 = true};
  if (inet_pton(AF_INET6, std::string(text).c_str(), address.bytes.data()) != 1) return std::nullopt;
  return address;
}

Address Address::of(Ipv4 v4) {
  Address address;
  const uint32_t net = htonl(v4.bits);
  std::copy_n(reinterpret_cast<const uint8_t*>(&net), 4, address.bytes.begin());
  return address;
}

std::string Address::str() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(v6 ? AF_INET6 : AF_INET, bytes.data(), text.data(), text.size());
  return text.data();
}

std::optional<Ipv4> Address::v4() const {
  if (v6) return std::nullopt;
  return Ipv4{uint32_t{bytes[0]} << 24 | uint32_t{bytes[1]} << 16 | uint32_t{bytes[2]} << 8 | bytes[3]};
}

bool Address::loopback() const {
  if (!v6) return bytes[0] == 127;
  Address one{.v6 = true};
  one.bytes[15] = 1;
  return *this == one;
}

std::optional<Mac> Mac::parse(std::string_view text) {
  if (text.size() != 17) return std::nullopt;
  Mac mac;
  for (size_t i = 0; i < 6; ++i) {
    if (i > 0 && text[3 * i - 1] != ':' && text[3 * i - 1] != '-') return std::nullopt;
    unsigned value = 0;
    for (const char digit : text.substr(3 * i, 2)) {
      if (!isxdigit(static_cast<unsigned char>(digit))) return std::nullopt;
      const int lower = tolower(static_cast<unsigned char>(digit));
      value = value * 16 + static_cast<unsigned>(lower >= 'a' ? lower - 'a' + 10 : lower - '0');
    }
    mac.bytes[i] = static_cast<uint8_t>(value);
  }
  return mac;
}

Mac Mac::of(Ipv4 address) {
  const auto bytes = Address::of(address).bytes;
  return Mac{{0x02, 0x42, bytes[0], bytes[1], bytes[2], bytes[3]}};
}

std::string Mac::str() const {
  return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", bytes[0], bytes[1], bytes[2], bytes[3], bytes[4],
                     bytes[5]);
}

}  // namespace berth::netns
