#include "runtime/cgroup_controllers.h"
#include "sys/file.h"

namespace berth::runtime {

Status apply_pids(sys::FdRef dir, const Resources& resources) {
  if (!resources.pids_limit) return {};
  return sys::write_existing_at(dir, "pids.max",
                                *resources.pids_limit <= 0 ? "max" : std::to_string(*resources.pids_limit));
}

}  // namespace berth::runtime
