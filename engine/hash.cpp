#include <openssl/sha.h>

#include "base/text.h"
#include "engine/json.h"
#include "engine/plan_up.h"

namespace berth::engine {

std::string config_hash(const ServiceConfig& service) {
  // Places in files, the number of replicas and the order of start make no other container (compose: the config-hash
  // label).
  ContainerConfig config = service.container;
  for (MountConfig& mount : config.mounts) mount.place.clear();
  for (PortConfig& port : config.ports) port.place.clear();
  std::string text = to_text(Json(config)) + service.container_name;
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  return to_hex(std::string_view(reinterpret_cast<char*>(digest), sizeof digest));
}

}  // namespace berth::engine
