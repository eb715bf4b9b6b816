#include "builder/build_lock.h"

#include "builder/run.h"
#include "builder/scratch.h"
#include "sys/file.h"

namespace berth::builder {

Result<BuildLock> BuildLock::acquire(runtime::Host& host, const sys::Paths& paths) {
  BERTH_TRY_OK(sys::make_dirs(paths.root + "/build", 0700));
  std::string file = paths.root + "/build/lock";
  if (auto alone = sys::FileLock::try_acquire(file)) {
    Scratch::sweep(paths);  // alone: what is there belongs to builds that were killed
    sweep_control_groups(host, paths);
  }
  BERTH_TRY(sys::FileLock lock, sys::FileLock::acquire_shared(file));
  return BuildLock(std::move(lock));
}

}  // namespace berth::builder
