#include "engine/boot.h"

#include "engine/json.h"
#include "sys/file.h"

namespace berth::engine {

berth::Status remember_start(const sys::Paths& paths, const ContainerRecord& record, const LiveState& live) {
  const std::string& policy = record.config.restart.policy;
  if (policy != "always" && policy != "unless-stopped") return {};
  return sys::write_file_atomic(paths.container(record.id) + "/state.json", to_text(Json(live)) + "\n",
                                sys::Durability::none, 0600);
}

bool comes_back(const Container& container) {
  const LiveState& live = container.live;
  const std::string& policy = container.record.config.restart.policy;
  if (live.alive() || live.status == Status::restarting || live.started_ns == 0 || container.record.one_off)
    return false;
  return policy == "always" || (policy == "unless-stopped" && !live.stopped_by_user);
}

}  // namespace berth::engine
