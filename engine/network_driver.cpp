#include "engine/network_driver.h"

#include <linux/if_link.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "engine/json.h"

namespace berth::engine {
namespace {

using netns::Driver;
using netns::GatewayMode;

enum : unsigned { kBridge = 1, kMacvlan = 2, kIpvlan = 4, kAll = 7 };

unsigned bit_of(Driver driver) {
  return driver == Driver::bridge ? kBridge : driver == Driver::macvlan ? kMacvlan : kIpvlan;
}

/// One of Go's ways to write a truth value.
bool read_bool(const std::string& value, bool& out) {
  static constexpr std::array<std::string_view, 6> kTrue = {"1", "t", "T", "true", "TRUE", "True"};
  static constexpr std::array<std::string_view, 6> kFalse = {"0", "f", "F", "false", "FALSE", "False"};
  out = std::find(kTrue.begin(), kTrue.end(), value) != kTrue.end();
  return out || std::find(kFalse.begin(), kFalse.end(), value) != kFalse.end();
}

/// The number that stands for the word in a list of words.
template <size_t N>
bool read_word(const std::string& value, const std::array<std::pair<std::string_view, uint32_t>, N>& words,
               uint32_t& out) {
  auto hit = std::find_if(words.begin(), words.end(), [&](const auto& word) { return word.first == value; });
  if (hit == words.end()) return false;
  out = hit->second;
  return true;
}

using Words3 = std::array<std::pair<std::string_view, uint32_t>, 3>;
using Words4 = std::array<std::pair<std::string_view, uint32_t>, 4>;
constexpr Words4 kMacvlanModes = {{{"bridge", MACVLAN_MODE_BRIDGE},
                                   {"private", MACVLAN_MODE_PRIVATE},
                                   {"vepa", MACVLAN_MODE_VEPA},
                                   {"passthru", MACVLAN_MODE_PASSTHRU}}};
constexpr Words3 kIpvlanModes = {{{"l2", IPVLAN_MODE_L2}, {"l3", IPVLAN_MODE_L3}, {"l3s", IPVLAN_MODE_L3S}}};
constexpr Words3 kIpvlanFlags = {{{"bridge", 0}, {"private", IPVLAN_F_PRIVATE}, {"vepa", IPVLAN_F_VEPA}}};
constexpr Words3 kGatewayModes = {{{"nat", static_cast<uint32_t>(GatewayMode::nat)},
                                   {"nat-unprotected", static_cast<uint32_t>(GatewayMode::unprotected)},
                                   {"isolated", static_cast<uint32_t>(GatewayMode::isolated)}}};

/// What an option does with a value. False: it does not take it.
using Take = bool (*)(NetworkDriver& driver, const std::string& value);

struct Option {
  std::string_view name;
  unsigned drivers;      // that know it
  const char* expected;  // of its value; nullptr: it has no effect
  Take take;
};

constexpr const char* kTruth = "true or false";

constexpr Option kDriverOptions[] = {
    {"com.docker.network.bridge.default_bridge", kBridge, kTruth,
     [](NetworkDriver&, const std::string& value) {
       bool ignored = false;  // which network that is, is known by its name
       return read_bool(value, ignored);
     }},
    {"com.docker.network.bridge.enable_icc", kBridge, kTruth,
     [](NetworkDriver& driver, const std::string& value) { return read_bool(value, driver.spec.icc); }},
    {"com.docker.network.bridge.enable_ip_masquerade", kBridge, kTruth,
     [](NetworkDriver& driver, const std::string& value) { return read_bool(value, driver.spec.masquerade); }},
    {"com.docker.network.bridge.gateway_mode_ipv4", kBridge, "nat, nat-unprotected or isolated",
     [](NetworkDriver& driver, const std::string& value) {
       uint32_t mode = 0;
       if (!read_word(value, kGatewayModes, mode)) return false;
       driver.spec.gateway_mode = static_cast<GatewayMode>(mode);
       return true;
     }},
    {"com.docker.network.bridge.host_binding_ipv4", kBridge, "an IPv4 address",
     [](NetworkDriver&, const std::string& value) {  // is read where ports are published
       const auto address = netns::Address::parse(value);
       return address && !address->v6;
     }},
    {"com.docker.network.bridge.name", kBridge, "the name of an interface",
     [](NetworkDriver& driver, const std::string& value) {
       driver.spec.bridge = value;
       return netns::valid_interface_name(value);
     }},
    {"com.docker.network.container_iface_prefix", kBridge, "the beginning of an interface's name",
     [](NetworkDriver& driver, const std::string& value) {
       driver.interface_prefix = value;
       return netns::valid_interface_name(value + "999");
     }},
    {"com.docker.network.driver.mtu", kAll, "a number of bytes from 68 to 65535",
     [](NetworkDriver& driver, const std::string& value) {
       driver.spec.mtu = static_cast<int>(std::min(parse_unsigned(value).value_or(1), 100'000ull));
       return driver.spec.mtu == 0 || (driver.spec.mtu >= 68 && driver.spec.mtu <= 65535);
     }},
    {"ipvlan_flag", kIpvlan, "bridge, private or vepa",
     [](NetworkDriver& driver, const std::string& value) {
       return read_word(value, kIpvlanFlags, driver.spec.parent.flags);
     }},
    {"ipvlan_mode", kIpvlan, "l2, l3 or l3s",
     [](NetworkDriver& driver, const std::string& value) {
       return read_word(value, kIpvlanModes, driver.spec.parent.mode);
     }},
    {"macvlan_mode", kMacvlan, "bridge, private, vepa or passthru",
     [](NetworkDriver& driver, const std::string& value) {
       return read_word(value, kMacvlanModes, driver.spec.parent.mode);
     }},
    {"parent", kMacvlan | kIpvlan, "the name of an interface, or of a VLAN of it (eth0.10)",
     [](NetworkDriver& driver, const std::string& value) {
       driver.spec.parent.interface = value;
       return netns::valid_interface_name(value);
     }},
};

void read_option(NetworkDriver& driver, const std::string& name, const std::string& value) {
  std::vector<std::string> names;
  for (const Option& option : kDriverOptions) {
    if ((option.drivers & bit_of(driver.spec.driver)) == 0) continue;
    names.emplace_back(option.name);
    if (option.name != name) continue;
    if (!option.take(driver, value)) {
      driver.errors.push_back(make_error(
          fmt::format("network {}: option {}: \"{}\" is not understood", driver.spec.name, name, printable(value)),
          std::string("expected ") + option.expected));
    }
    return;
  }
  std::optional<std::string> near = nearest(name, names);
  driver.warnings.push_back(fmt::format("network {}: the driver {} has no option \"{}\", which has no effect{}",
                                        driver.spec.name, netns::driver_name(driver.spec.driver), printable(name),
                                        near ? fmt::format("; did you mean \"{}\"?", *near) : ""));
}

void read_name(NetworkDriver& driver, const std::string& name) {
  constexpr size_t kLongest = 200;  // it is part of the name of a file
  if (name.empty() || name.size() > kLongest || name.front() == '.' || name.find('/') != std::string::npos ||
      printable(name) != name) {
    driver.errors.push_back(make_error(fmt::format("\"{}\" cannot be the name of a network", printable(name)),
                                       "expected at most 200 letters, digits, \"_\", \"-\" and \".\""));
  }
}

void read_driver_name(NetworkDriver& driver, const std::string& name) {
  const std::vector<std::string> known = {"bridge", "host", "ipvlan", "macvlan", "none"};
  if (name.empty() || name == "bridge" || name == "default" || name == "host" || name == "none" || name == "null") {
    return;
  }
  if (name == "macvlan" || name == "ipvlan") {
    driver.spec.driver = name == "macvlan" ? Driver::macvlan : Driver::ipvlan;
    driver.spec.parent.mode = name == "macvlan" ? uint32_t{MACVLAN_MODE_BRIDGE} : uint32_t{IPVLAN_MODE_L2};
    return;
  }
  std::optional<std::string> near = nearest(name, known);
  driver.errors.push_back(
      make_error(fmt::format("network {}: there is no driver \"{}\"", driver.spec.name, printable(name)),
                 near ? fmt::format("did you mean \"{}\"?", *near) : "expected one of " + join(known, ", ")));
}

}  // namespace

NetworkDriver read_driver(const NetworkConfig& network) {
  NetworkDriver driver;
  driver.interface_prefix = "eth";
  driver.spec.name = network.name;
  driver.spec.internal = network.internal;
  read_name(driver, network.name);
  read_driver_name(driver, network.driver);
  if (!driver.errors.empty() || !mode_of(network).empty()) return driver;
  for (const auto& [name, value] : network.options) read_option(driver, name, value);
  if (driver.spec.gateway_mode == GatewayMode::isolated && !network.internal) {
    driver.errors.push_back(make_error(fmt::format("network {}: gateway_mode_ipv4 is isolated", network.name),
                                       "that is for a network that is `internal: true`"));
  }
  return driver;
}

std::string mode_of(const NetworkConfig& network) {
  if (network.external) return network.name == "host" || network.name == "none" ? network.name : "";
  return network.driver == "host" ? "host" : network.driver == "none" || network.driver == "null" ? "none" : "";
}

}  // namespace berth::engine
