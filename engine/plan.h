#pragma once

// A plan is a value: what has to be done to get from what is there to what is wanted, as a graph of steps. Nothing in
// it touches the host; it can be printed, compared and tested. engine/apply.h carries it out.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/changes.h"
#include "engine/config.h"
#include "engine/state.h"

namespace berth::engine {

/// A container that a step acts on: an existing one by id, or (id empty) the one that this plan creates under that
/// name.
struct ContainerRef {
  std::string name;
  std::string id;
  bool operator==(const ContainerRef&) const = default;
};

enum class Condition { started, healthy, completed, running_or_healthy };
[[nodiscard]] const char* condition_name(Condition condition);

struct CreateNetwork {
  NetworkConfig network;
};
struct RemoveNetwork {
  std::string name;
  std::optional<NetworkConfig> made_anew;  // its definition until now, where another one takes its place
};
/// A container of any project; one that runs has the interface at once.
struct ConnectNetwork {
  ContainerRef container;
  AttachmentConfig attachment;
};
struct DisconnectNetwork {
  ContainerRef container;
  std::string network;
};
struct CreateVolume {
  VolumeConfig volume;
};
/// Destroys data.
struct RemoveVolume {
  std::string name;
  std::optional<VolumeConfig> made_anew;  // its definition until now, where another one takes its place
};
struct CreateContainer {
  ContainerRef container;
  std::string service;
  int64_t number = 1;
  bool one_off = false;                         // made by `run`: no replica of the service
  std::optional<size_t> pre_start;              // for this hook of the service: no replica either
  bool auto_remove = false;                     // goes with its anonymous volumes as soon as it has ended
  std::map<std::string, ContainerRef> lenders;  // whose namespaces and mounts it takes, by how its service names them
  // Where it takes another's place:
  std::string temporary_name;  // until RenameContainer
  std::string replaces;        // id; empty = none
  bool renew_volumes = false;  // anonymous ones; else those of the other are its own, too
};
/// It takes its name, and who has had that until now (`other`, if any) takes the one that it has had.
struct RenameContainer {
  ContainerRef container;
  std::optional<ContainerRef> other;
};
/// Takes the published ports, so that a clash is found before anything starts.
struct ReservePorts {
  ContainerRef container;
};
struct StartContainer {
  ContainerRef container;
  bool again = false;        // it was stopped for this: a restart
  bool ports_later = false;  // another one has its published ports until HandOver
};
/// Both run: published ports and names lead to `to` from here on, and what is on its way to `from` may arrive.
struct HandOver {
  ContainerRef from, to;
};
/// The reason of a WaitFor that nothing comes behind.
inline constexpr const char* kFinalWait = "--wait";

struct WaitFor {
  ContainerRef container;
  Condition condition = Condition::started;
  std::optional<int64_t> timeout_ns;
  std::optional<int64_t> steady_ns;  // the container must not end, and the condition has to hold for so long
};
struct StopContainer {
  ContainerRef container;
  std::optional<int64_t> grace_ns;  // nothing = the container's own
  bool hooks = true;                // its pre_stop hooks run first
};
struct KillContainer {
  ContainerRef container;
  int signal = 9;
};
struct PauseContainer {
  ContainerRef container;
};
struct UnpauseContainer {
  ContainerRef container;
};
struct RemoveContainer {
  ContainerRef container;
  bool anonymous_volumes = false;
};

using Action = std::variant<CreateNetwork, RemoveNetwork, CreateVolume, RemoveVolume, CreateContainer, ReservePorts,
                            StartContainer, WaitFor, StopContainer, KillContainer, PauseContainer, UnpauseContainer,
                            RemoveContainer, ConnectNetwork, DisconnectNetwork, RenameContainer, HandOver>;

using StepId = size_t;  // index into Plan::steps

struct Step {
  Action action;
  std::string why;
  std::vector<StepId> after;    // all smaller than this step's own index
  std::vector<Change> changes;  // that are the reason, where single attributes are
};

/// One running container and what takes its place.
struct Replacement {
  ContainerRef old;
  CreateContainer fresh;
  Condition ready = Condition::running_or_healthy;
  bool has_ports = false, had_ports = false;  // published
  std::string why;
  std::vector<Change> changes;
};

/// Running containers of a service that are replaced a group at a time once the plan's own steps are done
/// (engine/plan_update.h).
struct ServiceUpdate {
  std::string service;
  RolloutConfig update, rollback;
  std::optional<int64_t> stop_timeout_ns;
  std::vector<Replacement> replacements;
};

struct Plan {
  std::vector<Step> steps;             // dependencies come before dependents
  std::vector<ServiceUpdate> updates;  // after the steps, one after the other
  std::vector<std::string> warnings;
  std::vector<Error> problems;  // with any of these the plan must not be applied

  StepId add(Action action, std::string why, std::vector<StepId> after = {});
  [[nodiscard]] bool empty() const { return steps.empty() && updates.empty(); }
};

/// Whether carrying the plan out would change anything: waiting alone does not.
[[nodiscard]] bool changes_anything(const Plan& plan);

/// What a step acts on, for people: kind "Container", name "shop-db-1", verb "Create".
struct StepWords {
  std::string kind, name, verb;
};
[[nodiscard]] StepWords words(const Action& action);

/// One line a step: "create network   shop_default   (missing)". Stable: the same plan gives the same bytes.
[[nodiscard]] std::string to_text(const Plan& plan);

/// The steps that take back what the steps in `done` (in the order they ended) have made; what was there before stays,
/// and what was stopped is started again. Nothing once a container has been removed: plan_up removes when everything
/// new runs, and from then on the new state is the one to keep.
[[nodiscard]] Plan plan_undo(const Plan& plan, const std::vector<StepId>& done);

}  // namespace berth::engine
