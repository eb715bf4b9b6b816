#include "engine/request.h"

#include "engine/json_define.h"

namespace berth::engine {

BERTH_JSON(OneOff, service, name, auto_remove)
BERTH_JSON(UpOptions, force_recreate, no_recreate, always_recreate_deps, renew_anonymous_volumes, named,
           recreate_volumes, no_start, remove_orphans, ignore_orphans, wait, wait_timeout_ns, stop_timeout_ns,
           other_services, disabled, one_off)
BERTH_JSON(Selection, project, services, include_one_off, containers)
BERTH_JSON(DownOptions, volumes, remove_orphans, stop_timeout_ns, services, disabled, declared_volumes)
BERTH_JSON(LabelFilter, name, value, wanted)
BERTH_JSON(ConnectOptions, container, attachment)
BERTH_JSON(DisconnectOptions, container, network)
BERTH_JSON(PruneOptions, containers, networks, created_before_ns, labels)

BERTH_JSON_DEFINE(UpRequest, stack, options)
BERTH_JSON_DEFINE(RunRequest, stack, options, attach)
BERTH_JSON_DEFINE(DownRequest, selection, options)
BERTH_JSON_DEFINE(StopRequest, selection, timeout_ns)
BERTH_JSON(StartOptions, wait, wait_timeout_ns)
BERTH_JSON_DEFINE(StartRequest, selection, options)
BERTH_JSON_DEFINE(RestartRequest, selection, timeout_ns, dependents)
BERTH_JSON_DEFINE(KillRequest, selection, signal)
BERTH_JSON_DEFINE(LendRequest, network)
BERTH_JSON_DEFINE(PauseRequest, selection)
BERTH_JSON_DEFINE(UnpauseRequest, selection)
BERTH_JSON(RemoveOptions, stop, volumes, stop_timeout_ns)
BERTH_JSON_DEFINE(RemoveRequest, selection, options)
BERTH_JSON_DEFINE(RenameRequest, selection, name)
BERTH_JSON_DEFINE(AttachRequest, id)
BERTH_JSON_DEFINE(PruneRequest, selection, options)
BERTH_JSON_DEFINE(CreateNetworkRequest, network, again)
BERTH_JSON_DEFINE(RemoveNetworkRequest, network, again)
BERTH_JSON_DEFINE(ConnectRequest, selection, options, again)
BERTH_JSON_DEFINE(DisconnectRequest, selection, options, again)

}  // namespace berth::engine
