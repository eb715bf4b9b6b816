#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cli/context.h"
#include "engine/state.h"
#include "sys/fd.h"

namespace berth::cli {

/// The files of a container, reached from outside of it: through descriptors of directories, below which the kernel
/// keeps every lookup (openat2, RESOLVE_IN_ROOT). No program of the image runs, and no path that a container can change
/// is ever taken for one of the host.
///
/// Of one that runs they are what its first process sees, mounts included. Of another one its root is mounted again, in
/// a mount namespace of this process, and volumes and binds are looked up on their own; a symbolic link from the root
/// into one of these leads below it, not into it.
class ContainerFiles {
 public:
  [[nodiscard]] static Result<ContainerFiles> open(const Context& context, const engine::Container& container);

  struct Place {
    sys::FdRef root{-1};
    std::string path;  // inside the root, relative; "." is the root itself
  };
  /// `path` inside the container; relative ones count from its root. Keeps a slash at its end.
  [[nodiscard]] Place locate(const std::string& path) const;

 private:
  struct Root {
    std::string target;  // "" or "data/db": where it is mounted, without slashes at either end
    sys::UniqueFd directory;
  };
  [[nodiscard]] static Result<sys::UniqueFd> root_of_process(const sys::ProcessIdentity& process);
  [[nodiscard]] Status mount_stopped(const Context& context, const engine::ContainerRecord& record);

  std::vector<Root> roots_;  // the deeper ones first
};

}  // namespace berth::cli
