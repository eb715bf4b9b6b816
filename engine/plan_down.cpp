#include "engine/plan_down.h"

#include <algorithm>
#include <map>

#include "base/text.h"

namespace berth::engine {
namespace {

constexpr const char* kDependsOn = "com.docker.compose.depends_on";

struct Edge {
  std::string service, condition;
};

/// From the label "db:service_healthy:false,cache:service_started:false".
std::vector<Edge> dependencies_of(const ContainerRecord& record) {
  std::vector<Edge> edges;
  auto label = record.labels.find(kDependsOn);
  if (label == record.labels.end() || label->second.empty()) return edges;
  for (const std::string& item : split(label->second, ',')) {
    std::vector<std::string> parts = split(item, ':');
    edges.push_back({parts[0], parts.size() > 1 ? parts[1] : "service_started"});
  }
  return edges;
}

using ByService = std::map<std::string, std::vector<const Container*>>;

ByService by_service(const std::vector<const Container*>& containers) {
  ByService map;
  for (const Container* container : containers) map[container->record.service].push_back(container);
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

/// Starts behind the gates that the labels name; `after` of a container comes from `before`.
template <class Before>
void start_in_order(Plan& plan, const ByService& services, Before before) {
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
            plan.add(WaitFor{ref_of(*dependency), condition, std::nullopt}, name + " depends on it", starts));
      }
    }
    for (const Container* container : services.at(name)) {
      std::optional<StepId> previous = before(*container);
      if (!previous && container->live.alive()) continue;
      std::vector<StepId> after = gates;
      if (previous) after.push_back(*previous);
      if (!container->record.config.ports.empty()) {
        after = {plan.add(ReservePorts{ref_of(*container)}, "published ports", after)};
      }
      started[name].push_back(plan.add(StartContainer{ref_of(*container)}, "not running", std::move(after)));
    }
  }
}

}  // namespace

std::vector<const Container*> select(const Observed& observed, const Selection& selection) {
  std::vector<const Container*> found;
  for (const Container& container : observed.containers) {
    const ContainerRecord& r = container.record;
    if (r.project != selection.project || (r.one_off && !selection.include_one_off)) continue;
    if (selection.services.empty() || selection.services.contains(r.service)) found.push_back(&container);
  }
  return found;
}

Plan plan_down(const Selection& selection, const Observed& observed, const DownOptions& options) {
  Plan plan;
  Selection everything = selection;
  everything.include_one_off = true;
  std::vector<const Container*> chosen = select(observed, everything);
  std::erase_if(chosen, [&](const Container* c) {
    bool orphan = c->record.one_off || (options.services && !options.services->contains(c->record.service));
    // A one-off container that still runs belongs to whoever waits for it.
    return orphan && (!options.remove_orphans || (c->record.one_off && c->live.alive()));
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

  std::set<const Container*> going(chosen.begin(), chosen.end());
  for (const NetworkRecord& network : observed.networks) {
    if (network.project != selection.project || network.config.external) continue;
    bool used = std::any_of(observed.containers.begin(), observed.containers.end(), [&](const Container& c) {
      auto attached = [&](const AttachmentConfig& a) { return a.network == network.config.name; };
      const auto& attachments = c.record.config.attachments;
      return !going.contains(&c) && std::any_of(attachments.begin(), attachments.end(), attached);
    });
    if (used)
      plan.warnings.push_back("Network " + network.config.name + " Resource is still in use");
    else
      plan.add(RemoveNetwork{network.config.name}, "down", removals);
  }
  if (options.volumes) {
    for (const std::string& name : options.declared_volumes) {
      bool exists = std::find(observed.volumes.begin(), observed.volumes.end(), name) != observed.volumes.end();
      if (exists) plan.add(RemoveVolume{name}, "down -v", removals);
    }
  }
  return plan;
}

Plan plan_stop(const Selection& selection, const Observed& observed, std::optional<int64_t> timeout_ns) {
  Plan plan;
  dependents_first(by_service(select(observed, selection)), [&](const Container& c, const std::vector<StepId>& after) {
    return std::vector<StepId>{plan.add(StopContainer{ref_of(c), timeout_ns}, "stop", after)};
  });
  return plan;
}

Plan plan_kill(const Selection& selection, const Observed& observed, int signal) {
  Plan plan;
  for (const Container* container : select(observed, selection)) {
    if (container->live.alive()) plan.add(KillContainer{ref_of(*container), signal}, "kill");
  }
  return plan;
}

Plan plan_start(const Selection& selection, const Observed& observed) {
  Plan plan;
  start_in_order(plan, by_service(select(observed, selection)),
                 [](const Container&) { return std::optional<StepId>(); });
  return plan;
}

Plan plan_restart(const Selection& selection, const Observed& observed, std::optional<int64_t> timeout_ns) {
  Plan plan;
  ByService services = by_service(select(observed, selection));
  std::map<std::string, StepId> stops;  // by container id
  dependents_first(services, [&](const Container& c, const std::vector<StepId>& after) {
    StepId id = plan.add(StopContainer{ref_of(c), timeout_ns}, "restart", after);
    stops[c.record.id] = id;
    return std::vector<StepId>{id};
  });
  start_in_order(plan, services, [&](const Container& c) { return std::optional(stops.at(c.record.id)); });
  return plan;
}

Plan plan_remove(const Selection& selection, const Observed& observed, bool stop, bool volumes) {
  Plan plan;
  for (const Container* container : select(observed, selection)) {
    if (container->live.alive() && !stop) continue;
    StepId stopped = plan.add(StopContainer{ref_of(*container), std::nullopt}, "rm");
    plan.add(RemoveContainer{ref_of(*container), volumes}, "rm", {stopped});
  }
  return plan;
}

}  // namespace berth::engine
