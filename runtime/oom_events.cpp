#include "runtime/oom_events.h"

#include <unistd.h>

#include "runtime/cgroup_controllers.h"

namespace berth::runtime {

void OomEvents::take() const {
  char buffer[4096];
  (void)lseek(fd.get(), 0, SEEK_SET);            // v2: a file, whose whole text is read again
  (void)!read(fd.get(), buffer, sizeof buffer);  // v1: a counter. Nothing in it is needed
}

Result<OomEvents> open_oom_events(const CgroupMounts& mounts, const std::string& path) {
  return (mounts.hybrid() ? make_v1_controllers(mounts, path) : make_v2_controllers(mounts, path))->open_oom_events();
}

}  // namespace berth::runtime
