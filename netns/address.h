#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace berth::netns {

/// An IPv4 address, in host byte order so that the next address is `bits + 1`.
struct Ipv4 {
  uint32_t bits = 0;
  auto operator<=>(const Ipv4&) const = default;

  /// Dotted quad only; no leading zeros, no short forms.
  [[nodiscard]] static std::optional<Ipv4> parse(std::string_view text);
  [[nodiscard]] std::string str() const;
  [[nodiscard]] bool any() const { return bits == 0; }
  [[nodiscard]] bool loopback() const { return (bits >> 24) == 127; }
};

/// An IPv4 prefix; the host bits of `base` are zero.
struct Subnet {
  Ipv4 base;
  int prefix = 0;
  auto operator<=>(const Subnet&) const = default;

  /// "172.18.0.0/24"; host bits that are set are cleared ("172.18.0.5/24" is the same subnet).
  [[nodiscard]] static std::optional<Subnet> parse(std::string_view text);
  [[nodiscard]] static Subnet of(Ipv4 address, int prefix);
  [[nodiscard]] std::string str() const;
  [[nodiscard]] uint32_t mask() const { return prefix == 0 ? 0 : ~uint32_t{0} << (32 - prefix); }
  [[nodiscard]] Ipv4 last() const { return Ipv4{base.bits | ~mask()}; }
  [[nodiscard]] bool contains(Ipv4 address) const { return (address.bits & mask()) == base.bits; }
  [[nodiscard]] bool contains(const Subnet& other) const { return other.prefix >= prefix && contains(other.base); }
  [[nodiscard]] bool overlaps(const Subnet& other) const { return contains(other) || other.contains(*this); }
};

/// An address of either family, bytes in network order (the first four for IPv4).
struct Address {
  bool v6 = false;
  std::array<uint8_t, 16> bytes{};
  auto operator<=>(const Address&) const = default;

  [[nodiscard]] static std::optional<Address> parse(std::string_view text);
  [[nodiscard]] static Address of(Ipv4 address);
  [[nodiscard]] std::string str() const;
  [[nodiscard]] std::optional<Ipv4> v4() const;
  [[nodiscard]] bool any() const { return bytes == std::array<uint8_t, 16>{}; }
  [[nodiscard]] bool loopback() const;
};

/// An Ethernet address.
struct Mac {
  std::array<uint8_t, 6> bytes{};
  bool operator==(const Mac&) const = default;

  /// Six pairs of hex digits with ':' or '-' between them.
  [[nodiscard]] static std::optional<Mac> parse(std::string_view text);
  /// 02:42 and the four bytes of the address, as Docker did for years: locally administered, and because the same
  /// address always has the same MAC, a neighbour's stale ARP entry is never wrong.
  [[nodiscard]] static Mac of(Ipv4 address);
  [[nodiscard]] std::string str() const;
};

}  // namespace berth::netns
