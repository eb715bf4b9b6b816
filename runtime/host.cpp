#include "runtime/host.h"

#include "runtime/empty_mounts.h"
#include "runtime/init_image.h"
#include "runtime/seccomp.h"
#include "sys/file.h"

namespace berth::runtime {

Result<Host> Host::discover(const std::string& cache_dir) {
  Host host;
  BERTH_TRY(host.cgroups_, CgroupMounts::discover());
  BERTH_TRY(host.all_caps_, runtime::all_caps());
  host.cache_dir_ = cache_dir;
  return host;
}

Result<std::shared_ptr<const std::vector<sock_filter>>> Host::default_filter(CapMask caps) {
  std::lock_guard lock(*mutex_);
  auto known = filters_.find(caps);
  if (known != filters_.end()) return known->second;
  BERTH_TRY(std::vector<sock_filter> program, runtime::default_filter(caps, cache_dir_));
  auto shared = std::make_shared<const std::vector<sock_filter>>(std::move(program));
  filters_.emplace(caps, shared);
  return std::shared_ptr<const std::vector<sock_filter>>(shared);
}

Result<sys::FdRef> Host::init_image() {
  std::lock_guard lock(*mutex_);
  if (!init_image_.valid()) {
    BERTH_TRY(init_image_, sys::memory_file("berth-init", runtime::init_image()));
  }
  return init_image_.ref();
}

Result<sys::FdRef> Host::empty_mounts() {
  std::lock_guard lock(*mutex_);
  if (!empty_mounts_.valid()) {
    BERTH_TRY(empty_mounts_, make_empty_mounts());
  }
  return empty_mounts_.ref();
}

}  // namespace berth::runtime
