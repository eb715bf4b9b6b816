#include "engine/plan_down.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "base/text.h"
#include "engine/pre_start.h"
#include "engine/record.h"
#include "engine/selection.h"

namespace berth::engine {
namespace {

constexpr const char* kDependsOn = "com.docker.compose.depends_on";

struct Edge {
  std::string service, condition;
  bool restart = false;
};

/// From the label "db:service_healthy:true,cache:service_started:false".
std::vector<Edge> dependencies_of(const ContainerRecord& record) {
  std::vector<Edge> edges;
  auto label = record.labels.find(kDependsOn);
  if (label == record.labels.end() || label->second.empty()) return edges;
  for (const std::string& item : split(label->second, ',')) {
    std::vector<std::string> parts = split(item, ':');
    edges.push_back(
        {parts[0], parts.size() > 1 ? parts[1] : "service_started", parts.size() > 2 && parts[2] == "true"});
  }
  return edges;
}

using ByService = std::map<std::string, std::vector<const Container*>>;

ByService by_service(const std::vector<const Container*>& containers) {
  ByService map;
  for (const Container* container : containers) map[container->record.service].push_back(container);
  return map;
}

/// In groups that depend on each other: services, or containers of which each is for itself.
ByService groups(const Observed& observed, const Selection& selection) {
  std::vector<const Container*> chosen = select(observed, selection);
  if (selection.containers.empty()) return by_service(chosen);
  ByService map;
  for (const Container* container : chosen) map[container->record.id].push_back(container);
  return map;
}

/// Services such that dependencies come before dependents; a cycle (a label somebody forged) is cut where it is met.
std::vector<std::string> start_order(const ByService& services) {
  std::vector<std::string> order;
  std::set<std::string> seen;
  auto visit = [&](auto& self, const std::string& name) -> void {
    auto found = services.find(name);
    if (found == services.end() || !seen.insert(name).second) return;
    for (const Edge& edge : dependencies_of(found->second.front()->record)) self(self, edge.service);
    order.push_back(name);
  };
  for (const auto& [name, containers] : services) visit(visit, name);
  return order;
}

ContainerRef ref_of(const Container& container) {
  return {container.record.name, container.record.id};
}

/// One step for each container that runs, in no order.
template <class Make>
Plan for_each_alive(const Selection& selection, const Observed& observed, const char* why, Make make) {
  Plan plan;
  for (const Container* container : select(observed, selection)) {
    if (container->live.alive()) plan.add(make(ref_of(*container)), why);
  }
  return plan;
}

/// Adds for every service `each(container, after)` behind the same of all services that depend on it.
template <class Each>
std::map<std::string, std::vector<StepId>> dependents_first(const ByService& services, Each each) {
  std::vector<std::string> order = start_order(services);
  std::map<std::string, std::vector<StepId>> done;
  for (auto it = order.rbegin(); it != order.rend(); ++it) {
    std::vector<StepId> after;
    for (const auto& [name, containers] : services) {
      std::vector<Edge> edges = dependencies_of(containers.front()->record);
      bool depends = std::any_of(edges.begin(), edges.end(), [&](const Edge& e) { return e.service == *it; });
      if (depends && name != *it) after.insert(after.end(), done[name].begin(), done[name].end());
    }
    for (const Container* container : services.at(*it)) {
      for (StepId id : each(*container, after)) done[*it].push_back(id);
    }
  }
  return done;
}

/// The hooks of a service that has never been started run first: who made its containers has made theirs, too.
void add_hooks(Plan& plan, const Observed& observed, const std::vector<const Container*>& replicas,
               std::vector<StepId>& gates) {
  const ContainerRecord& first = replicas.front()->record;
  const bool started = std::any_of(replicas.begin(), replicas.end(), [](auto* c) { return c->live.started_ns != 0; });
  if (first.config.pre_start.empty() || started) return;
  std::map<size_t, const Container*> hooks = pre_starts_there(first.project, observed, first.service);
  std::erase_if(hooks, [](const auto& hook) { return hook.second->live.status != Status::created; });
  if (hooks.size() < first.config.pre_start.size()) {
    plan.problems.push_back(
        make_error(fmt::format("the pre_start hooks of service \"{}\" have not all succeeded", first.service),
                   "`up` runs them again"));
    return;
  }
  for (const auto& [i, hook] : hooks) {
    StepId start = plan.add(StartContainer{ref_of(*hook)}, "pre_start", gates);
    StepId ended = plan.add(WaitFor{ref_of(*hook), Condition::completed}, first.service + " depends on it", {start});
    plan.add(RemoveContainer{ref_of(*hook), true}, "has done its work", {ended});
    gates.push_back(ended);
  }
}

/// Starts behind the gates that the labels name; `after` of a container comes from `before`. The starts, by service.
template <class Before>
std::map<std::string, std::vector<StepId>> start_in_order(Plan& plan, const Observed& observed,
                                                          const ByService& services, Before before,
                                                          std::optional<int64_t> gate_timeout_ns = std::nullopt) {
  std::map<std::string, std::vector<StepId>> started;
  for (const std::string& name : start_order(services)) {
    auto starts_anew = [&](const Container* container) { return before(*container) || !container->live.alive(); };
    if (std::none_of(services.at(name).begin(), services.at(name).end(), starts_anew))
      continue;  // and waits for nothing
    std::vector<StepId> gates;
    for (const Edge& edge : dependencies_of(services.at(name).front()->record)) {
      const std::vector<StepId>& starts = started[edge.service];
      gates.insert(gates.end(), starts.begin(), starts.end());
      if (edge.condition == "service_started" || !services.contains(edge.service)) continue;
      Condition condition = edge.condition == "service_healthy" ? Condition::healthy : Condition::completed;
      for (const Container* dependency : services.at(edge.service)) {
        gates.push_back(
            plan.add(WaitFor{ref_of(*dependency), condition, gate_timeout_ns}, name + " depends on it", starts));
      }
    }
    add_hooks(plan, observed, services.at(name), gates);
    for (const Container* container : services.at(name)) {
      std::optional<StepId> previous = before(*container);
      if (!previous && container->live.alive()) continue;
      std::vector<StepId> after = gates;
      if (previous) after.push_back(*previous);
      if (!container->record.config.ports.empty()) {
        after = {plan.add(ReservePorts{ref_of(*container)}, "published ports", after)};
      }
      started[name].push_back(
          plan.add(StartContainer{ref_of(*container), previous.has_value()}, "not running", std::move(after)));
    }
  }
  return started;
}

/// Until all is running or healthy; a job that others wait for until it has ended is not expected to be running.
void add_final_waits(Plan& plan, const ByService& services, std::map<std::string, std::vector<StepId>> started,
                     std::optional<int64_t> timeout_ns) {
  std::set<std::string> jobs;
  for (const auto& [name, containers] : services) {
    for (const Edge& edge : dependencies_of(containers.front()->record)) {
      if (edge.condition == "service_completed_successfully") jobs.insert(edge.service);
    }
  }
  for (const auto& [name, containers] : services) {
    Condition condition = jobs.contains(name) ? Condition::completed : Condition::running_or_healthy;
    for (const Container* container : containers)
      plan.add(WaitFor{ref_of(*container), condition, timeout_ns}, kFinalWait, started[name]);
  }
}

/// The selection with all that depend on it, over any number of steps; or only those that ask to be restarted with it.
Selection with_dependents(Selection selection, const Observed& observed, bool only_restarting) {
  if (selection.services.empty()) return selection;
  ByService all = by_service(select(observed, {selection.project, {}, false}));
  for (size_t before = 0; before != selection.services.size();) {
    before = selection.services.size();
    for (const auto& [name, containers] : all) {
      std::vector<Edge> edges = dependencies_of(containers.front()->record);
      bool follows = std::any_of(edges.begin(), edges.end(), [&](const Edge& edge) {
        return (edge.restart || !only_restarting) && selection.services.contains(edge.service);
      });
      if (follows) selection.services.insert(name);
    }
  }
  return selection;
}

/// Why `down` leaves a container of the project alone; empty = it goes.
std::string reason_to_stay(const Container& container, const DownOptions& options) {
  const ContainerRecord& record = container.record;
  if (record.pre_start) return "";
  // A one-off container that still runs belongs to whoever waits for it.
  if (record.one_off && container.live.alive()) return "made by `run`, and running";
  if (record.one_off) return options.remove_orphans ? "" : "made by `run`: --remove-orphans";
  if (auto profile = options.disabled.find(record.service); profile != options.disabled.end()) {
    return fmt::format("\"{}\" is not enabled: --profile {}", record.service, profile->second);
  }
  bool orphan = options.services && !options.services->contains(record.service);
  return orphan && !options.remove_orphans ? fmt::format("no service \"{}\": --remove-orphans", record.service) : "";
}

}  // namespace

Selection only(const ContainerRecord& record) {
  Selection selection;
  selection.containers.insert(record.id);
  return selection;
}

std::vector<const Container*> select(const Observed& observed, const Selection& selection) {
  std::vector<const Container*> found;
  for (const Container& container : observed.containers) {
    if (contains(selection, container.record)) found.push_back(&container);
  }
  return found;
}

Plan plan_down(const Selection& selection, const Observed& observed, const DownOptions& options) {
  Plan plan;
  Selection everything = with_dependents(selection, observed, false);
  everything.include_one_off = true;
  std::vector<const Container*> chosen = select(observed, everything);
  std::vector<std::string> staying;
  std::erase_if(chosen, [&](const Container* c) {
    std::string why = reason_to_stay(*c, options);
    if (!why.empty()) staying.push_back(fmt::format("{} ({})", c->record.name, why));
    return !why.empty();
  });
  std::vector<StepId> removals;
  auto each = [&](const Container& container, const std::vector<StepId>& after) -> std::vector<StepId> {
    std::vector<StepId> before = after;
    StepId stopped = plan.add(StopContainer{ref_of(container), options.stop_timeout_ns}, "down", std::move(before));
    removals.push_back(plan.add(RemoveContainer{ref_of(container), options.volumes}, "down", {stopped}));
    return {stopped};
  };
  dependents_first(by_service(chosen), each);
  if (!selection.services.empty()) return plan;  // `down SERVICE` leaves what others share

  std::sort(staying.begin(), staying.end());
  if (!staying.empty()) plan.warnings.push_back("Containers that stay: " + join(staying, ", "));
  std::set<const Container*> going(chosen.begin(), chosen.end());
  auto users = [&](auto uses) {
    std::vector<std::string> names;
    for (const Container& c : observed.containers) {
      if (!going.contains(&c) && uses(c.record)) names.push_back(c.record.name);
    }
    std::sort(names.begin(), names.end());
    return join(names, ", ");
  };
  for (const NetworkRecord& network : observed.networks) {
    if (network.project != selection.project || network.config.external) continue;
    const std::string& name = network.config.name;
    std::string used_by = users([&](const ContainerRecord& r) {
      const auto& attachments = r.config.attachments;
      return std::any_of(attachments.begin(), attachments.end(), [&](const auto& a) { return a.network == name; });
    });
    if (!used_by.empty())
      plan.warnings.push_back(fmt::format("Network {} Resource is still in use by {}", name, used_by));
    else
      plan.add(RemoveNetwork{name, std::nullopt}, "down", removals);
  }
  if (options.volumes) {
    for (const std::string& name : options.declared_volumes) {
      bool exists = std::find(observed.volumes.begin(), observed.volumes.end(), name) != observed.volumes.end();
      if (!exists) continue;
      std::string used_by = users([&](const ContainerRecord& r) { return mounts_volume(r, name); });
      if (!used_by.empty())
        plan.warnings.push_back(fmt::format("Volume {} Resource is still in use by {}", name, used_by));
      else
        plan.add(RemoveVolume{name}, "down -v", removals);
    }
  }
  return plan;
}

Plan plan_stop(const Selection& selection, const Observed& observed, std::optional<int64_t> timeout_ns) {
  Plan plan;
  dependents_first(groups(observed, selection), [&](const Container& c, const std::vector<StepId>& after) {
    return std::vector<StepId>{plan.add(StopContainer{ref_of(c), timeout_ns}, "stop", after)};
  });
  return plan;
}

Plan plan_kill(const Selection& selection, const Observed& observed, int signal) {
  return for_each_alive(selection, observed, "kill", [&](ContainerRef ref) { return KillContainer{ref, signal}; });
}

Plan plan_pause(const Selection& selection, const Observed& observed) {
  return for_each_alive(selection, observed, "pause", [](ContainerRef ref) { return PauseContainer{ref}; });
}

Plan plan_unpause(const Selection& selection, const Observed& observed) {
  return for_each_alive(selection, observed, "unpause", [](ContainerRef ref) { return UnpauseContainer{ref}; });
}

Plan plan_start(const Selection& selection, const Observed& observed, const StartOptions& options) {
  Plan plan;
  ByService services = groups(observed, selection);
  auto started = start_in_order(
      plan, observed, services, [](const Container&) { return std::optional<StepId>(); }, options.wait_timeout_ns);
  if (options.wait) add_final_waits(plan, services, std::move(started), options.wait_timeout_ns);
  return plan;
}

Plan plan_restart(const Selection& selection, const Observed& observed, std::optional<int64_t> timeout_ns,
                  bool dependents) {
  Plan plan;
  ByService services = groups(observed, dependents ? with_dependents(selection, observed, true) : selection);
  std::map<std::string, StepId> stops;  // by container id
  dependents_first(services, [&](const Container& c, const std::vector<StepId>& after) {
    StepId id = plan.add(StopContainer{ref_of(c), timeout_ns}, "restart", after);
    stops[c.record.id] = id;
    return std::vector<StepId>{id};
  });
  start_in_order(plan, observed, services, [&](const Container& c) { return std::optional(stops.at(c.record.id)); });
  return plan;
}

Plan plan_remove(const Selection& selection, const Observed& observed, const RemoveOptions& options) {
  Plan plan;
  for (const Container* container : select(observed, selection)) {
    if (container->live.alive() && !options.stop) continue;
    StepId stopped = plan.add(StopContainer{ref_of(*container), options.stop_timeout_ns}, "rm");
    plan.add(RemoveContainer{ref_of(*container), options.volumes}, "rm", {stopped});
  }
  return plan;
}

Plan plan_rename(const Selection& selection, const Observed& observed, const std::string& name) {
  Plan plan;
  for (const Container* container : select(observed, selection)) {
    if (container->record.name == name) continue;
    for (const Container& other : observed.containers) {
      if (other.record.name == name) plan.problems.push_back(name_in_use(other.record));
    }
    plan.add(RenameContainer{{name, container->record.id}, std::nullopt}, "rename");
  }
  return plan;
}

}  // namespace berth::engine
