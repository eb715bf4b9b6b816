#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"
#include "sys/fd.h"

namespace berth::runtime {

/// Where this host's cgroup hierarchies are, read once from /proc/self/mountinfo.
struct CgroupMounts {
  std::map<std::string, std::string> v1;  // controller → mount point; co-mounted ones share it ("cpu", "cpuacct")
  std::string v2;                         // mount point of the v2 hierarchy
  std::set<std::string> v2_controllers;   // what it offers: all on a pure v2 host, few or none on a hybrid one

  /// True where limits go into v1 hierarchies.
  [[nodiscard]] bool hybrid() const { return v1.count("memory") + v1.count("pids") + v1.count("cpu") > 0; }

  /// This host's. Where v2 is not mounted (pure v1), a detached mount of it is made, which `keep_alive` holds.
  [[nodiscard]] static Result<CgroupMounts> discover();
  /// The pure half: the text of mountinfo.
  [[nodiscard]] static CgroupMounts parse(std::string_view mountinfo);

  std::shared_ptr<sys::UniqueFd> keep_alive;
};

}  // namespace berth::runtime
