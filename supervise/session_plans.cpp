// What each request is planned to do.

#include "engine/host_support.h"
#include "engine/request.h"
#include "engine/settled_request.h"
#include "supervise/session.h"

namespace berth::supervise {

/// The plan for what this kernel can do of the stack.
engine::Plan Session::plan_up(engine::Stack& stack, const engine::Observed& observed,
                              const engine::UpOptions& options) const {
  engine::name_external_networks(stack, observed);
  if (!engine::asks_for_support(stack)) return engine::plan_up(stack, observed, options);
  std::vector<Error> problems;
  engine::HostSupport host = engine::look_at_host(parts_.containers.control_groups());
  std::vector<std::string> warnings = engine::fit_to_host(stack, host, problems);
  engine::Plan plan = engine::plan_up(stack, observed, options);
  plan.warnings.insert(plan.warnings.begin(), warnings.begin(), warnings.end());
  plan.problems.insert(plan.problems.begin(), problems.begin(), problems.end());
  return plan;
}

Result<engine::Plan> Session::plan_for(const std::string& op, const engine::Json& request, engine::Stack& stack) const {
  engine::Observed observed = parts_.store.observe();
  if (op == engine::UpRequest::kOp) {
    BERTH_TRY(engine::UpRequest up, engine::from_message<engine::UpRequest>(request));
    stack = std::move(up.stack);
    return plan_up(stack, observed, up.options);
  }
  if (op == engine::RunRequest::kOp) {
    BERTH_TRY(engine::RunRequest run, engine::from_message<engine::RunRequest>(request));
    stack = std::move(run.stack);
    return plan_up(stack, observed, run.options);
  }
  if (op == engine::DownRequest::kOp) {
    BERTH_TRY(engine::DownRequest down, engine::from_message<engine::DownRequest>(request));
    return engine::plan_down(down.selection, observed, down.options);
  }
  if (op == engine::StopRequest::kOp) {
    BERTH_TRY(engine::StopRequest stop, engine::from_message<engine::StopRequest>(request));
    return engine::plan_stop(stop.selection, observed, stop.timeout_ns);
  }
  if (op == engine::StartRequest::kOp) {
    BERTH_TRY(engine::StartRequest start, engine::from_message<engine::StartRequest>(request));
    return engine::plan_start(start.selection, observed, start.options);
  }
  if (op == engine::RestartRequest::kOp) {
    BERTH_TRY(engine::RestartRequest restart, engine::from_message<engine::RestartRequest>(request));
    return engine::plan_restart(restart.selection, observed, restart.timeout_ns, restart.dependents);
  }
  if (op == engine::KillRequest::kOp) {
    BERTH_TRY(engine::KillRequest kill, engine::from_message<engine::KillRequest>(request));
    return engine::plan_kill(kill.selection, observed, kill.signal);
  }
  if (op == engine::PauseRequest::kOp) {
    BERTH_TRY(engine::PauseRequest pause, engine::from_message<engine::PauseRequest>(request));
    return engine::plan_pause(pause.selection, observed);
  }
  if (op == engine::UnpauseRequest::kOp) {
    BERTH_TRY(engine::UnpauseRequest unpause, engine::from_message<engine::UnpauseRequest>(request));
    return engine::plan_unpause(unpause.selection, observed);
  }
  if (op == engine::RemoveRequest::kOp) {
    BERTH_TRY(engine::RemoveRequest remove, engine::from_message<engine::RemoveRequest>(request));
    return engine::plan_remove(remove.selection, observed, remove.stop, remove.volumes);
  }
  if (op == engine::PruneRequest::kOp) {
    BERTH_TRY(engine::PruneRequest prune, engine::from_message<engine::PruneRequest>(request));
    return engine::plan_prune(prune.selection.project, observed, prune.options);
  }
  if (op == engine::SettledRequest::kOp) return engine::Plan();
  if (op == engine::CreateNetworkRequest::kOp) {
    BERTH_TRY(engine::CreateNetworkRequest create, engine::from_message<engine::CreateNetworkRequest>(request));
    return engine::plan_create_network(create.network, observed, create.again);
  }
  if (op == engine::RemoveNetworkRequest::kOp) {
    BERTH_TRY(engine::RemoveNetworkRequest remove, engine::from_message<engine::RemoveNetworkRequest>(request));
    return engine::plan_remove_network(remove.network, observed, remove.again);
  }
  if (op == engine::ConnectRequest::kOp) {
    BERTH_TRY(engine::ConnectRequest connect, engine::from_message<engine::ConnectRequest>(request));
    return engine::plan_connect(observed, connect.options, connect.again);
  }
  if (op == engine::DisconnectRequest::kOp) {
    BERTH_TRY(engine::DisconnectRequest disconnect, engine::from_message<engine::DisconnectRequest>(request));
    return engine::plan_disconnect(observed, disconnect.options, disconnect.again);
  }
  return make_error("the supervisor knows no request \"" + op + "\"",
                    "the command and the supervisor may be of different versions");
}

}  // namespace berth::supervise
