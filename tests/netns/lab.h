#pragma once

#include <catch2/catch.hpp>
#include <functional>
#include <optional>
#include <string>

#include "netns/address.h"
#include "netns/links.h"
#include "sys/netns.h"

// A laboratory for networks: throw-away namespaces that play the host, other hosts beside it, and containers. Nothing
// of it touches the machine's own network.
namespace lab {

using berth::netns::Address;
using berth::netns::NetworkSpec;
using berth::sys::Netns;

/// False, with a loud warning, without the rights to make namespaces.
[[nodiscard]] bool can_run();

/// A new namespace with lo up and IPv6 on, as a host has it.
[[nodiscard]] Netns make_host();

/// Runs on a thread in that namespace; a failed Status or requirement fails the test.
void in(const Netns& where, const std::function<berth::Status()>& work);

/// Two hosts, connected by a cable: eth0 here with `here`/24, and there with `there`/24; the other one gets no further
/// route.
void connect(const Netns& a, const Address& here, const Netns& b, const Address& there);
/// One more address for eth0, /24 or /64.
void add_address(const Netns& where, const Address& address);
/// A default route.
void add_route(const Netns& where, const Address& gateway);

[[nodiscard]] Address ip(const char* text);
/// `subnet6`: of a dual stack.
[[nodiscard]] NetworkSpec network(const char* name, const char* subnet, const char* subnet6 = nullptr);
/// With an address of each family of the network; the host part of IPv6 is that of `address`.
[[nodiscard]] berth::netns::SandboxSpec sandbox(const NetworkSpec& network, const char* address);

/// A server in that namespace that answers every TCP connection and datagram with `banner` and the address of who asks
/// ("db from 172.18.0.1"), until destroyed.
class Greeter {
 public:
  Greeter(const Netns& where, uint16_t port, std::string banner);
  ~Greeter();
  Greeter(const Greeter&) = delete;
  Greeter& operator=(const Greeter&) = delete;

 private:
  struct Impl;
  Impl* impl_;
};

/// What a Greeter says to somebody in `from`, or "" if nobody answers within a second.
[[nodiscard]] std::string greet_tcp(const Netns& from, const std::string& address, uint16_t port);
[[nodiscard]] std::string greet_udp(const Netns& from, const std::string& address, uint16_t port);

/// Sends from the same port again and again.
class UdpClient {
 public:
  UdpClient(const Netns& from, const std::string& address, uint16_t port);
  /// What a Greeter says, or "" if nobody answers within a second.
  [[nodiscard]] std::string ask();

 private:
  berth::sys::UniqueFd fd_;
};

/// Sends one datagram to 127.0.0.11:53 (or another address) from there and returns the answer, "" after three seconds.
[[nodiscard]] std::string ask_udp(const Netns& from, const std::string& message,
                                  const std::string& address = "127.0.0.11", uint16_t port = 53);
/// Sends bytes over TCP, and reads until `enough` says so or three seconds have passed.
[[nodiscard]] std::string ask_tcp(const Netns& from, const std::string& bytes,
                                  const std::function<bool(const std::string&)>& enough);

/// Names of all interfaces in there, and of all nftables tables: for leak checks.
[[nodiscard]] std::string leftovers(const Netns& where);

}  // namespace lab
