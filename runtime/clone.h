#pragma once

#include <sys/types.h>

#include "base/result.h"
#include "runtime/child_plan.h"
#include "sys/fd.h"
#include "sys/pidfd.h"

namespace berth::runtime {

struct CloneOptions {
  uint64_t flags = 0;            // CLONE_NEWPID…
  sys::FdRef cgroup{-1};         // v2 directory to be born in
  sys::FdRef pid_namespace{-1};  // to be born in; nsfs descriptor or pidfd
  bool parent = false;           // CLONE_PARENT
  /// Until it has executed its program, the child works in our memory, and this thread stands still (CLONE_VM,
  /// CLONE_VFORK): neither page tables nor pages are copied. Only for one whom nobody in its namespaces can look at.
  bool in_our_memory = false;
};

struct Child {
  pid_t pid = 0;
  sys::Pidfd pidfd;
};

/// clone3(2) and child_main(plan) in the child. All signals are blocked around it, so that no handler of ours runs in
/// the copy; a foreign pid namespace is entered for children only and left again, on every path.
[[nodiscard]] Result<Child> clone_child(const ChildPlan& plan, const CloneOptions& options);

}  // namespace berth::runtime
