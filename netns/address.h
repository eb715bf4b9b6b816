#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace berth::netns {

/// An address, or a number of addresses, of either family.
__extension__ using AddressBits = unsigned __int128;

/// An address of either family, bytes in network order (the first four for IPv4). IPv4 sorts before IPv6.
struct Address {
  bool v6 = false;
  std::array<uint8_t, 16> bytes{};
  auto operator<=>(const Address&) const = default;

  /// "172.18.0.2" (four decimal numbers, no leading zeros) or "fd00::2".
  [[nodiscard]] static std::optional<Address> parse(std::string_view text);
  /// From the bits as a number, so that the next address is one more.
  [[nodiscard]] static Address of(bool v6, AddressBits bits);
  [[nodiscard]] AddressBits bits() const;
  [[nodiscard]] std::string str() const;
  [[nodiscard]] size_t size() const { return v6 ? 16 : 4; }
  [[nodiscard]] int width() const { return v6 ? 128 : 32; }  // in bits
  [[nodiscard]] bool any() const { return bytes == std::array<uint8_t, 16>{}; }
  [[nodiscard]] bool loopback() const;
};

/// A prefix; the host bits of `base` are zero.
struct Subnet {
  Address base;
  int prefix = 0;
  auto operator<=>(const Subnet&) const = default;

  /// "172.18.0.0/24", "fd00:1::/64"; host bits that are set are cleared ("172.18.0.5/24" is the same subnet).
  [[nodiscard]] static std::optional<Subnet> parse(std::string_view text);
  /// Requires: 0 <= prefix <= address.width().
  [[nodiscard]] static Subnet of(const Address& address, int prefix);
  [[nodiscard]] std::string str() const;
  [[nodiscard]] Address last() const;
  /// The address `offset` after the base.
  [[nodiscard]] Address at(AddressBits offset) const { return Address::of(base.v6, base.bits() + offset); }
  [[nodiscard]] bool contains(const Address& address) const {
    return address.v6 == base.v6 && of(address, prefix).base == base;
  }
  [[nodiscard]] bool contains(const Subnet& other) const { return other.prefix >= prefix && contains(other.base); }
  [[nodiscard]] bool overlaps(const Subnet& other) const { return contains(other) || other.contains(*this); }
};

/// An Ethernet address.
struct Mac {
  std::array<uint8_t, 6> bytes{};
  bool operator==(const Mac&) const = default;

  /// Six pairs of hex digits with ':' or '-' between them.
  [[nodiscard]] static std::optional<Mac> parse(std::string_view text);
  /// 02:42 and the last four bytes of the address, as Docker did for years: locally administered, and because the same
  /// address always has the same MAC, a neighbour's stale ARP entry is never wrong.
  [[nodiscard]] static Mac of(const Address& address);
  [[nodiscard]] std::string str() const;
};

}  // namespace berth::netns
