#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/diagnostics.h"
#include "compose/tree.h"

namespace berth::compose {

// The part of the model (model.h) that stands beside the services: networks, volumes, secrets, configs.

/// Key and value in the order written; keys are unique.
using Pairs = std::vector<std::pair<std::string, std::string>>;
using Strings = std::vector<std::string>;

struct IpamPool {
  std::optional<std::string> subnet;
  std::optional<std::string> ip_range;
  std::optional<std::string> gateway;
  Pairs aux_addresses;
  Tree extensions;
};
struct Ipam {
  std::optional<std::string> driver;
  Pairs options;
  std::vector<IpamPool> config;
  Tree extensions;
};

struct Network {
  std::string name;  // the real name: "<project>_<key>" unless written
  std::optional<std::string> driver;
  Pairs driver_opts;
  bool external = false;
  std::optional<bool> internal;
  std::optional<bool> attachable;
  std::optional<bool> enable_ipv4;
  std::optional<bool> enable_ipv6;
  Pairs labels;
  std::optional<Ipam> ipam;
  Tree extensions;
  SourceSpan span;
};

struct Volume {
  std::string name;  // the real name: "<project>_<key>" unless written
  std::optional<std::string> driver;
  Pairs driver_opts;
  bool external = false;
  Pairs labels;
  Tree extensions;
  SourceSpan span;
};

/// A secret or a config: exactly one of file, environment, content (configs only), external.
struct FileObject {
  std::string name;                        // "<project>_<key>" unless written
  std::optional<std::string> file;         // absolute path
  std::optional<std::string> environment;  // a variable of the project's environment
  std::optional<std::string> value;        // of that variable, where only an included model sees it; never shown
  std::optional<std::string> content;
  bool external = false;
  Pairs labels;
  std::optional<std::string> driver;
  Pairs driver_opts;
  std::optional<std::string> template_driver;
  Tree extensions;
  SourceSpan span;
};

}  // namespace berth::compose
