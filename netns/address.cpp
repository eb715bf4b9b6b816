#include "netns/address.h"

#include <arpa/inet.h>
#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"

namespace berth::netns {

namespace {

/// The bits that a prefix leaves to hosts, all set.
AddressBits host_bits(const Address& address, int prefix) {
  const int free = address.width() - prefix;
  return free == 128 ? ~AddressBits{0} : (AddressBits{1} << free) - 1;
}

}  // namespace

std::optional<Address> Address::parse(std::string_view text) {
  Address address{.v6 = text.find(':') != std::string_view::npos};
  const int family = address.v6 ? AF_INET6 : AF_INET;
  if (inet_pton(family, std::string(text).c_str(), address.bytes.data()) != 1) return std::nullopt;
  return address;
}

Address Address::of(bool v6, AddressBits bits) {
  Address address{.v6 = v6};
  for (size_t i = address.size(); i-- > 0; bits >>= 8) address.bytes[i] = static_cast<uint8_t>(bits);
  return address;
}

AddressBits Address::bits() const {
  AddressBits bits = 0;
  for (size_t i = 0; i < size(); ++i) bits = bits << 8 | bytes[i];
  return bits;
}

std::string Address::str() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(v6 ? AF_INET6 : AF_INET, bytes.data(), text.data(), text.size());
  return text.data();
}

std::optional<Subnet> Subnet::parse(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto address = Address::parse(text.substr(0, slash));
  const auto prefix = parse_unsigned(text.substr(slash + 1));
  if (!address || !prefix || *prefix > static_cast<unsigned>(address->width())) return std::nullopt;
  return of(*address, static_cast<int>(*prefix));
}

Subnet Subnet::of(const Address& address, int prefix) {
  return {Address::of(address.v6, address.bits() & ~host_bits(address, prefix)), prefix};
}

std::string Subnet::str() const {
  return fmt::format("{}/{}", base.str(), prefix);
}

Address Subnet::last() const {
  return Address::of(base.v6, base.bits() | host_bits(base, prefix));
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

Mac Mac::of(const Address& address) {
  const uint8_t* last = address.bytes.data() + address.size() - 4;
  return Mac{{0x02, 0x42, last[0], last[1], last[2], last[3]}};
}

std::string Mac::str() const {
  return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", bytes[0], bytes[1], bytes[2], bytes[3], bytes[4],
                     bytes[5]);
}

}  // namespace berth::netns
