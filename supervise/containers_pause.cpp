// Containers that stand still: all processes of the control group at once, by the kernel's freezer.

#include "engine/run_spec.h"
#include "supervise/containers.h"

namespace berth::supervise {

Result<runtime::Cgroup> Containers::cgroup_of(const Managed& container) const {
  return runtime::Cgroup::open(parts_.host.cgroups(), engine::cgroup_path(parts_.store.paths(), container.record));
}

Task<void> Containers::pause(ContainerPtr container) {
  engine::LiveState& live = container->live;
  const std::string& name = container->record.name;
  if (!live.alive()) co_return make_error("container " + name + " is not running");
  if (live.status == engine::Status::paused) co_return make_error("container " + name + " is already paused");
  BERTH_CO_TRY(runtime::Cgroup opened, cgroup_of(*container));
  auto group = std::make_shared<runtime::Cgroup>(std::move(opened));
  uint64_t run = container->run;
  // Written first: one that is frozen must never be taken for one that is not, whenever we die.
  live.status = engine::Status::paused;
  write_down(container);
  std::function<Status()> work = [group] { return group->freeze(); };
  Status frozen = co_await on_pool<void>(parts_.pool, std::move(work));
  if (container->run != run || !live.alive()) co_return make_error("container " + name + " has ended");
  if (frozen) {
    tell(*container, "pause");
    co_return Status();
  }
  live.status = engine::Status::running;
  write_down(container);
  co_return std::move(frozen).context("pause container {}", name).error();
}

Status Containers::unpause(const ContainerPtr& container) {
  if (container->live.status != engine::Status::paused)
    return make_error("container " + container->record.name + " is not paused");
  return thaw(container).context("unpause container {}", container->record.name);
}

/// Ok if it is not paused.
Status Containers::thaw(const ContainerPtr& container) {
  if (container->live.status != engine::Status::paused) return {};
  BERTH_TRY(runtime::Cgroup group, cgroup_of(*container));
  BERTH_TRY_OK(group.thaw());
  container->live.status = engine::Status::running;
  tell(*container, "unpause");
  write_down(container);
  return {};
}

}  // namespace berth::supervise
