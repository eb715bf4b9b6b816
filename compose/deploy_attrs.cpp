#include "compose/codecs.h"

namespace berth::compose {
namespace {

constexpr std::string_view kSwarm = "it is for swarm";

constexpr Attr kLimitsRows[] = {
    attr<&ResourceLimits::cpus, Number>("cpus"),
    attr<&ResourceLimits::memory, Bytes>("memory"),
    attr<&ResourceLimits::pids, Integer>("pids"),
};
const Table& limits_table() {
  static constexpr Table kTable{"limits section", kLimitsRows, extensions_of<ResourceLimits>};
  return kTable;
}
constexpr Attr kDiscreteRows[] = {shape<Text>("kind"), shape<Number>("value")};
const Table& discrete_table() {
  static constexpr Table kTable{"discrete resource", kDiscreteRows};
  return kTable;
}
constexpr Attr kGenericRows[] = {shape<Object<Unbound, discrete_table>>("discrete_resource_spec")};
const Table& generic_table() {
  static constexpr Table kTable{"generic resource", kGenericRows};
  return kTable;
}
constexpr Attr kReservationsRows[] = {
    attr<&ResourceReservations::cpus, Number>("cpus").ignored(kSwarm),
    attr<&ResourceReservations::devices, Kept<DeviceRequests>>("devices").refused(
        "there are no drivers for such devices"),
    attr<&ResourceReservations::generic_resources, Kept<ObjectList<Unbound, generic_table>>>("generic_resources")
        .ignored(kSwarm),
    attr<&ResourceReservations::memory, Bytes>("memory"),
    attr<&ResourceReservations::pids, Integer>("pids").ignored(kSwarm),
};
const Table& reservations_table() {
  static constexpr Table kTable{"reservations section", kReservationsRows, extensions_of<ResourceReservations>};
  return kTable;
}
constexpr Attr kResourcesRows[] = {
    attr<&Resources::limits, Object<ResourceLimits, limits_table>>("limits"),
    attr<&Resources::reservations, Object<ResourceReservations, reservations_table>>("reservations"),
};
const Table& resources_table() {
  static constexpr Table kTable{"resources section", kResourcesRows, extensions_of<Resources>};
  return kTable;
}

constexpr std::array<std::string_view, 3> kRestartConditions = {"none", "on-failure", "any"};
constexpr Attr kRestartPolicyRows[] = {
    attr<&RestartPolicy::condition, OneOf<kRestartConditions>>("condition"),
    attr<&RestartPolicy::delay, Time>("delay"),
    attr<&RestartPolicy::max_attempts, Integer>("max_attempts"),
    attr<&RestartPolicy::window, Time>("window"),
};
const Table& restart_policy_table() {
  static constexpr Table kTable{"restart_policy", kRestartPolicyRows, extensions_of<RestartPolicy>};
  return kTable;
}

constexpr std::array<std::string_view, 2> kUpdateOrders = {"start-first", "stop-first"};
constexpr Attr kUpdateRows[] = {
    attr<&UpdateConfig::delay, Time>("delay"),
    attr<&UpdateConfig::failure_action, Text>("failure_action"),
    attr<&UpdateConfig::max_failure_ratio, Number>("max_failure_ratio"),
    attr<&UpdateConfig::monitor, Time>("monitor"),
    attr<&UpdateConfig::order, OneOf<kUpdateOrders>>("order"),
    attr<&UpdateConfig::parallelism, Integer>("parallelism"),
};
const Table& update_table() {
  static constexpr Table kTable{"update section", kUpdateRows, extensions_of<UpdateConfig>};
  return kTable;
}

constexpr std::string_view kAllTheWay = "a rollback goes all the way, whatever happens";
constexpr Attr kRollbackRows[] = {
    attr<&UpdateConfig::delay, Time>("delay"),
    attr<&UpdateConfig::failure_action, Text>("failure_action").ignored(kAllTheWay),
    attr<&UpdateConfig::max_failure_ratio, Number>("max_failure_ratio").ignored(kAllTheWay),
    attr<&UpdateConfig::monitor, Time>("monitor"),
    attr<&UpdateConfig::order, OneOf<kUpdateOrders>>("order"),
    attr<&UpdateConfig::parallelism, Integer>("parallelism"),
};
const Table& rollback_table() {
  static constexpr Table kTable{"rollback section", kRollbackRows, extensions_of<UpdateConfig>};
  return kTable;
}

constexpr Attr kSpreadRows[] = {shape<Text>("spread")};
const Table& spread_table() {
  static constexpr Table kTable{"placement preference", kSpreadRows};
  return kTable;
}
constexpr Attr kPlacementRows[] = {
    shape<TextList>("constraints"),
    shape<Integer>("max_replicas_per_node"),
    shape<ObjectList<Unbound, spread_table>>("preferences"),
};
const Table& placement_table() {
  static constexpr Table kTable{"placement section", kPlacementRows};
  return kTable;
}

constexpr Attr kDeployRows[] = {
    attr<&Deploy::endpoint_mode, Text>("endpoint_mode").ignored(kSwarm),
    attr<&Deploy::labels, Labels>("labels").ignored(kSwarm),
    attr<&Deploy::mode, Text>("mode").ignored(kSwarm),
    attr<&Deploy::placement, Kept<Object<Unbound, placement_table>>>("placement").ignored(kSwarm),
    attr<&Deploy::replicas, Integer>("replicas"),
    attr<&Deploy::resources, FilledObject<Resources, resources_table>>("resources"),
    attr<&Deploy::restart_policy, Object<RestartPolicy, restart_policy_table>>("restart_policy"),
    attr<&Deploy::rollback_config, Object<UpdateConfig, rollback_table>>("rollback_config"),
    attr<&Deploy::update_config, Object<UpdateConfig, update_table>>("update_config"),
};

}  // namespace

const Table& deploy_table() {
  static constexpr Table kTable{"deploy section", kDeployRows, extensions_of<Deploy>};
  return kTable;
}

}  // namespace berth::compose
