#include "engine/json.h"
#include "engine/plan_up.h"
#include "images/digest.h"

namespace berth::engine {

std::string config_hash(const ServiceConfig& service) {
  // Places in files, the number of replicas and the order of start make no other container (compose: the config-hash
  // label).
  ContainerConfig config = service.container;
  for (MountConfig& mount : config.mounts) {
    mount.place.clear();
    mount.image_id.clear();  // compared on its own, as the container's is
  }
  for (PortConfig& port : config.ports) port.place.clear();
  std::string text = to_text(Json(config)) + service.container_name;
  return images::sha256_of(text).hex();
}

}  // namespace berth::engine
