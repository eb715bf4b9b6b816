#include "engine/up_parts.h"

#include <fmt/core.h>

#include <algorithm>

#include "engine/observed_stack.h"
#include "engine/pre_start.h"

namespace berth::engine {

Leaving leaving(const Container& container, const std::string& why, const ResourceSteps& resources) {
  const LiveState& live = container.live;
  Leaving old;
  old.ref = {container.record.name, container.record.id};
  old.service = container.record.service;
  old.why = why;
  old.running = live.alive() || live.ending() || live.status == Status::restarting;
  old.has_ports = !container.record.config.ports.empty();
  auto stopped = resources.stopped.find(container.record.id);
  if (stopped != resources.stopped.end()) old.stopped = stopped->second;
  return old;
}

std::string container_name(const Stack& stack, const ServiceConfig& service, int64_t number) {
  if (!service.container_name.empty()) return service.container_name;
  return fmt::format("{0}{3}{1}{3}{2}", stack.project, service.name, number, stack.separator);
}

CreateContainer new_replica(const Stack& stack, const ServiceConfig& service, int64_t number) {
  CreateContainer action;
  action.container.name = container_name(stack, service, number);
  action.service = service.name;
  action.number = number;
  return action;
}

CreateContainer new_pre_start(const Stack& stack, const ServiceConfig& service, size_t hook) {
  CreateContainer action;
  action.container.name = pre_start_name(stack.project, service.name, hook);
  action.service = service.name;
  action.pre_start = hook;
  return action;
}

void take_place(CreateContainer& action, const ContainerRecord& old) {
  action.temporary_name = old.short_id() + "_" + action.container.name;
  action.replaces = old.id;
}

namespace {

/// Whether an update was cut off before the newer of two containers of one number could take the place of the older
/// one.
bool unfinished(const ServiceConfig& service, const Container& newer, const Container& older) {
  if (!service.update) return false;
  const LiveState& live = newer.live;
  const bool ready = live.status == Status::running && (live.health.empty() || live.health == "healthy");
  const bool published = service.container.ports.empty() || !live.ports.empty();
  return !ready || (older.live.alive() && !published);
}

}  // namespace

Candidates candidates(const Stack& stack, const Observed& observed, const Expectation& expected,
                      const UpOptions& options) {
  Candidates found;
  for (const Container* container : replicas_there(stack, observed, expected.service.name)) {
    const bool same = !found.there.empty() && found.highest == container->record.number;
    const Container* newer = same ? found.there.back().container : nullptr;
    if (same && !unfinished(expected.service, *newer, *container)) {
      found.cut_off.emplace_back(container, "is replaced");
      continue;
    }
    if (same) {
      found.cut_off.emplace_back(newer, "an update was cut off");
      found.there.pop_back();
    }
    found.there.push_back({container, divergence(*container, expected, options), newer});
    found.highest = container->record.number;
  }
  std::stable_partition(found.there.begin(), found.there.end(), [](const Candidate& one) { return !one.divergence; });
  return found;
}

bool UpdateChoice::rolls(const ServiceConfig& service, const Candidate& candidate, const ResourceSteps& resources) {
  const Container& container = *candidate.container;
  const bool serves = container.live.status == Status::running || candidate.successor != nullptr;
  if (!service.update || options_.no_start || !serves) return false;
  if (resources.stopped.contains(container.record.id)) return false;
  std::string bound = bound_to(stack_, service.name);
  if (bound.empty()) return true;
  if (bound_.insert(service.name).second) {
    plan_.warnings.push_back(fmt::format(
        "{}{}deploy.update_config of service \"{}\" has no effect: service \"{}\" is made anew or restarted with it",
        service.place, service.place.empty() ? "" : ": ", service.name, bound));
  }
  return false;
}

void add_to_update(Plan& plan, const ServiceConfig& service, const Candidate& candidate, CreateContainer fresh,
                   std::optional<int64_t> stop_timeout_ns) {
  const ContainerRecord& old = candidate.container->record;
  if (plan.updates.empty() || plan.updates.back().service != service.name)
    plan.updates.push_back({service.name, *service.update, service.rollback, stop_timeout_ns, {}});
  Replacement replacement;
  replacement.old = {fresh.container.name, old.id};
  replacement.fresh = std::move(fresh);
  replacement.has_ports = !service.container.ports.empty();
  replacement.had_ports = !old.config.ports.empty();
  replacement.why = candidate.divergence->why;
  replacement.changes = candidate.divergence->changes;
  plan.updates.back().replacements.push_back(std::move(replacement));
}

}  // namespace berth::engine
