#include "engine/predefined_network.h"

#include "images/digest.h"

namespace berth::engine {

bool is_predefined(const std::string& name) {
  return name == kDefaultBridge || name == "host" || name == "none";
}

NetworkRecord predefined_record(const sys::Paths& paths, const std::string& name) {
  NetworkRecord record;
  record.id = images::sha256_of(paths.tag() + "/network/" + name).hex();
  record.config.name = name;
  record.config.driver = name == "none" ? "null" : name;
  if (name == kDefaultBridge) record.config.options["com.docker.network.bridge.default_bridge"] = "true";
  return record;
}

}  // namespace berth::engine
