#pragma once

#include <linux/filter.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "runtime/caps.h"
#include "runtime/cgroup_mounts.h"
#include "sys/fd.h"

namespace berth::runtime {

/// What all containers of one process share: how this host is made, and programs that are compiled once.
/// Made at the start of a process that launches or enters containers, passed to each call. Safe for several threads.
class Host {
 public:
  /// `cache_dir`: where compiled seccomp programs are kept ("" = nowhere); created when first needed.
  [[nodiscard]] static Result<Host> discover(const std::string& cache_dir);

  [[nodiscard]] const CgroupMounts& cgroups() const { return cgroups_; }
  [[nodiscard]] CapMask all_caps() const { return all_caps_; }

  /// The default seccomp program for these capabilities: from memory, from the cache, or compiled.
  [[nodiscard]] Result<std::shared_ptr<const std::vector<sock_filter>>> default_filter(CapMask caps);

  /// berth-init as a sealed file in memory, which all containers execute: /proc/1/exe leads to nothing on the host.
  [[nodiscard]] Result<sys::FdRef> init_image();

  /// The mount namespace (see make_empty_mounts()) that containers' own are copies of.
  [[nodiscard]] Result<sys::FdRef> empty_mounts();

 private:
  CgroupMounts cgroups_;
  CapMask all_caps_ = 0;
  std::string cache_dir_;
  std::unique_ptr<std::mutex> mutex_ = std::make_unique<std::mutex>();  // of what follows
  sys::UniqueFd init_image_, empty_mounts_;
  std::map<CapMask, std::shared_ptr<const std::vector<sock_filter>>> filters_;
};

}  // namespace berth::runtime
