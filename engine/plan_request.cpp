#include "engine/plan_request.h"

#include <algorithm>

#include "engine/host_support.h"
#include "engine/request.h"
#include "engine/settled_request.h"
#include "volumes/store.h"

namespace berth::engine {
namespace {

class Planner {
 public:
  Planner(const Json& request, const StateStore& store, const runtime::CgroupMounts& groups, Stack& stack)
      : request_(request), groups_(groups), stack_(stack), paths_(store.paths()), observed_(store.observe()) {}

  Result<Plan> plan() {
    const std::string op = request_.value("op", "");
    if (op == UpRequest::kOp) {
      BERTH_TRY(UpRequest up, from_message<UpRequest>(request_));
      return plan_stack(std::move(up.stack), up.options);
    }
    if (op == RunRequest::kOp) {
      BERTH_TRY(RunRequest run, from_message<RunRequest>(request_));
      return plan_stack(std::move(run.stack), run.options);
    }
    if (op == DownRequest::kOp) {
      BERTH_TRY(DownRequest down, from_message<DownRequest>(request_));
      return plan_down(down.selection, observed_, down.options);
    }
    if (op == StopRequest::kOp) {
      BERTH_TRY(StopRequest stop, from_message<StopRequest>(request_));
      return plan_stop(stop.selection, observed_, stop.timeout_ns);
    }
    if (op == StartRequest::kOp) {
      BERTH_TRY(StartRequest start, from_message<StartRequest>(request_));
      return plan_start(start.selection, observed_, start.options);
    }
    if (op == RestartRequest::kOp) {
      BERTH_TRY(RestartRequest restart, from_message<RestartRequest>(request_));
      return plan_restart(restart.selection, observed_, restart.timeout_ns, restart.dependents);
    }
    if (op == KillRequest::kOp) {
      BERTH_TRY(KillRequest kill, from_message<KillRequest>(request_));
      return plan_kill(kill.selection, observed_, kill.signal);
    }
    if (op == PauseRequest::kOp) {
      BERTH_TRY(PauseRequest pause, from_message<PauseRequest>(request_));
      return plan_pause(pause.selection, observed_);
    }
    if (op == UnpauseRequest::kOp) {
      BERTH_TRY(UnpauseRequest unpause, from_message<UnpauseRequest>(request_));
      return plan_unpause(unpause.selection, observed_);
    }
    if (op == RemoveRequest::kOp) {
      BERTH_TRY(RemoveRequest remove, from_message<RemoveRequest>(request_));
      return plan_remove(remove.selection, observed_, remove.options);
    }
    if (op == RenameRequest::kOp) {
      BERTH_TRY(RenameRequest rename, from_message<RenameRequest>(request_));
      return plan_rename(rename.selection, observed_, rename.name);
    }
    if (op == PruneRequest::kOp) {
      BERTH_TRY(PruneRequest prune, from_message<PruneRequest>(request_));
      return plan_prune(prune.selection.project, observed_, prune.options);
    }
    if (op == SettledRequest::kOp) return Plan();
    if (op == CreateNetworkRequest::kOp) {
      BERTH_TRY(CreateNetworkRequest create, from_message<CreateNetworkRequest>(request_));
      return plan_create_network(create.network, observed_, create.again);
    }
    if (op == RemoveNetworkRequest::kOp) {
      BERTH_TRY(RemoveNetworkRequest remove, from_message<RemoveNetworkRequest>(request_));
      return plan_remove_network(remove.network, observed_, remove.again);
    }
    if (op == ConnectRequest::kOp) {
      BERTH_TRY(ConnectRequest connect, from_message<ConnectRequest>(request_));
      return plan_connect(observed_, connect.options, connect.again);
    }
    if (op == DisconnectRequest::kOp) {
      BERTH_TRY(DisconnectRequest disconnect, from_message<DisconnectRequest>(request_));
      return plan_disconnect(observed_, disconnect.options, disconnect.again);
    }
    return make_error("the supervisor knows no request \"" + op + "\"",
                      "the command and the supervisor may be of different versions");
  }

 private:
  /// The plan for what this kernel can do of the stack.
  Plan plan_stack(Stack stack, const UpOptions& options) {
    stack_ = std::move(stack);
    name_external_networks(stack_, observed_);
    observe_volumes(paths_, stack_, observed_);
    if (!asks_for_support(stack_)) return plan_up(stack_, observed_, options);
    std::vector<Error> problems;
    HostSupport host = look_at_host(groups_);
    std::vector<std::string> warnings = fit_to_host(stack_, host, problems);
    Plan plan = plan_up(stack_, observed_, options);
    plan.warnings.insert(plan.warnings.begin(), warnings.begin(), warnings.end());
    plan.problems.insert(plan.problems.begin(), problems.begin(), problems.end());
    return plan;
  }

  const Json& request_;
  const runtime::CgroupMounts& groups_;
  Stack& stack_;
  const sys::Paths& paths_;
  Observed observed_;
};

}  // namespace

void observe_volumes(const sys::Paths& paths, const Stack& stack, Observed& observed) {
  for (const VolumeConfig& wanted : stack.volumes) {
    bool exists = std::find(observed.volumes.begin(), observed.volumes.end(), wanted.name) != observed.volumes.end();
    if (!exists) continue;  // so that the store is not made by looking at it
    Result<volumes::VolumeStore> all = volumes::VolumeStore::open(paths);
    Result<volumes::Volume> volume = all ? all->inspect(wanted.name) : Result<volumes::Volume>(all.error());
    if (!volume) continue;  // damaged: whoever mounts it says so
    VolumeConfig config;
    config.name = volume->name;
    config.driver = volume->driver;
    config.options = volume->driver_opts;
    config.labels = volume->labels;
    observed.volume_configs.push_back(std::move(config));
  }
}

Result<Plan> plan_for(const Json& request, const StateStore& store, const runtime::CgroupMounts& groups, Stack& stack) {
  return Planner(request, store, groups, stack).plan();
}

}  // namespace berth::engine
