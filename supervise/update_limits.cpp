#include "supervise/update_limits.h"

#include <fmt/core.h>

#include <set>

#include "engine/boot.h"
#include "engine/run_spec.h"
#include "runtime/cgroup.h"

namespace berth::supervise {
namespace {

using engine::ContainerRecord;

Result<ContainerRecord> changed(const ContainerRecord& record, const engine::Json& changes) try {
  ContainerRecord fresh = record;
  engine::Json config = record.config;
  for (const char* part : {"resources", "restart"}) {
    if (changes.contains(part)) config[part].merge_patch(changes[part]);
  }
  fresh.config = config.get<engine::ContainerConfig>();
  const engine::ResourceConfig& limits = fresh.config.resources;
  if (limits.memory_swap > 0 && limits.memory > limits.memory_swap)
    return make_error("the limit of memory must not be above that of memory and swap, which it has already",
                      "--memory-swap sets that at the same time");
  if (record.auto_remove && fresh.config.restart.policy != record.config.restart.policy)
    return make_error("a container that is removed when it ends (--rm) has no restart policy");
  return fresh;
} catch (const engine::Json::exception& e) {
  return make_error(std::string("the changes are not understood: ") + e.what());
}

Status tell_kernel(const ContainerRecord& before, const ContainerRecord& fresh, const Containers& containers,
                   const sys::Paths& paths) {
  BERTH_TRY(runtime::ContainerSpec spec, engine::run_spec(fresh, paths));
  BERTH_TRY(runtime::Cgroup group,
            runtime::Cgroup::open(containers.control_groups(), engine::cgroup_path(paths, fresh)));
  Status applied = group.apply(spec.resources);
  if (applied) return {};
  // Some of it may have been.
  if (Result<runtime::ContainerSpec> old = engine::run_spec(before, paths)) (void)group.apply(old->resources);
  return applied;
}

Status update(const ContainerPtr& container, const engine::Json& changes, Containers& containers,
              const engine::StateStore& store) {
  BERTH_TRY(ContainerRecord fresh, changed(container->record, changes));
  if (container->live.alive()) {
    BERTH_TRY_OK(tell_kernel(container->record, fresh, containers, store.paths()));
    BERTH_TRY_OK(engine::remember_start(store.paths(), fresh, container->live));
  }
  BERTH_TRY_OK(store.write(fresh));
  container->record = std::move(fresh);
  containers.tell(*container, "update");
  return {};
}

}  // namespace

std::vector<Error> update_limits(const engine::Json& request, Containers& containers, const engine::StateStore& store) {
  std::vector<Error> errors;
  const engine::Json selection = request.value("selection", engine::Json::object());
  for (const std::string& id : selection.value("containers", std::set<std::string>())) {
    ContainerPtr container = containers.find(id);
    Status updated = container == nullptr
                         ? make_error("there is no such container any more")
                         : update(container, request.value("changes", engine::Json::object()), containers, store);
    const std::string& name = container == nullptr ? id : container->record.name;
    if (!updated) errors.push_back(std::move(updated).context("update container {}", name).error());
  }
  return errors;
}

}  // namespace berth::supervise
