#include "cli/helpers_group.h"

#include <unistd.h>

#include "runtime/cgroup_mounts.h"
#include "sys/file.h"
#include "sys/lock.h"

namespace berth::cli {
namespace {

constexpr const char* kSystemdRuns = "/run/systemd/system";  // sd_booted(3)

/// Beside those of the containers (engine::cgroup_path); "" where there is none.
std::string containers_group(const sys::Paths& paths) {
  if (!sys::exists(kSystemdRuns)) return "";
  Result<runtime::CgroupMounts> mounts = runtime::CgroupMounts::discover();
  return mounts && !mounts->keep_alive ? mounts->v2 + "/berth-" + paths.tag() : "";
}

}  // namespace

std::string make_helpers_group(const sys::Paths& paths) {
  std::string group = containers_group(paths);
  if (group.empty()) return "";
  group += "/helpers";
  // Who may make no groups has no other place for them.
  return sys::make_dirs(group, 0755) ? group : "";
}

void remove_helpers_group(const sys::Paths& paths) {
  std::string group = containers_group(paths);
  if (group.empty()) return;
  // Under the lock by which others start helpers, so that none is about to enter. They may be there already; then the
  // group stays, as its parent does while containers run.
  Result<sys::FileLock> lock = sys::FileLock::acquire(paths.run + "/start.lock");
  if (lock && rmdir((group + "/helpers").c_str()) == 0) (void)rmdir(group.c_str());
}

}  // namespace berth::cli
