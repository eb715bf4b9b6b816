#include "engine/plan_up.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "engine/joins.h"
#include "engine/observed_stack.h"
#include "engine/pre_start.h"
#include "engine/up_parts.h"

namespace berth::engine {
namespace {

constexpr const char* kCutOff = "a recreation was cut off";

class UpPlanner {
 public:
  UpPlanner(const Stack& stack, const Observed& observed, const UpOptions& options)
      : stack_(stack), observed_(observed), options_(options), updates_(stack, options, plan_) {}

  Plan plan() {
    resources_ = plan_resources(stack_, observed_, options_, plan_);
    for (const ServiceConfig& service : stack_.services) {
      if (service.name == options_.one_off.service)
        replicas_[service.name] = {create_one_off(service)};
      else
        plan_containers(service);
    }
    // From here on every container of the stack exists, or a step makes it.
    plan_orphans();
    std::string disabled = disabled_running(stack_, observed_, options_);
    if (!disabled.empty()) plan_.warnings.push_back(std::move(disabled));
    if (!options_.no_start) {
      plan_dependents();
      plan_starts();
    }
    if (options_.wait && !options_.no_start) plan_final_waits();
    // Until here everything can be taken back (plan_undo); removals come when the new state stands.
    plan_removals();
    return std::move(plan_);
  }

 private:
  void plan_containers(const ServiceConfig& service) {
    const Expectation expected{service, config_hash(service), lenders_of_service(service), resources_.made};
    Candidates found = candidates(stack_, observed_, expected, options_);
    for (const auto& [container, why] : found.cut_off) leave(*container, why);
    // Of too many, those go first that could not stay as they are, then the highest numbers.
    const size_t wanted = static_cast<size_t>(service.replicas);
    for (size_t i = 0; i < found.there.size(); ++i) {
      if (i < wanted)
        replicas_[service.name].push_back(converge(service, found.there[i]));
      else
        leave(*found.there[i].container, fmt::format("the service has {} replicas", service.replicas));
    }
    for (size_t i = found.there.size(); i < wanted; ++i)
      replicas_[service.name].push_back(create(service, new_replica(stack_, service, ++found.highest), "missing"));
    plan_hooks(service);
  }

  /// They run once for what the service is now: not again where a replica stays that has been started.
  void plan_hooks(const ServiceConfig& service) {
    const std::vector<Replica>& replicas = replicas_[service.name];
    const bool prepared =
        replicas.empty() || std::any_of(replicas.begin(), replicas.end(), [](auto& r) { return r.has_run; });
    std::map<size_t, const Container*> there = pre_starts_there(stack_.project, observed_, service.name);
    for (size_t i = 0; !prepared && i < service.container.pre_start.size(); ++i) {
      CreateContainer action = new_pre_start(stack_, service, i);
      const Container* old = there[i];
      if (old != nullptr) take_place(action, old->record);
      there.erase(i);
      const bool borrows = !replicas.front().updated;  // the new definition's mounts
      Replica hook = create(pre_start_service(service, i, borrows), std::move(action), "pre_start");
      hook.start_reason = "pre_start";
      if (old != nullptr) hook.replaces = leave_replaced(*old);
      hooks_[service.name].push_back(std::move(hook));
    }
    for (const auto& [i, old] : there) leave(*old, "its hook is not needed any more");
  }

  /// What takes the place of `old`: under a name of its own until that stands still.
  [[nodiscard]] CreateContainer action_for(const ServiceConfig& service, const ContainerRecord& old) const {
    CreateContainer action = new_replica(stack_, service, old.number);
    take_place(action, old);
    action.renew_volumes = options_.renew_anonymous_volumes;
    return action;
  }

  Replica create_one_off(const ServiceConfig& service) {
    CreateContainer action;
    action.container.name = options_.one_off.name;
    action.service = service.name;
    action.one_off = true;
    action.auto_remove = options_.one_off.auto_remove;
    return create(service, std::move(action), "one-off");
  }

  /// Completes the action, as far as that is possible.
  void check(const ServiceConfig& service, CreateContainer& action) {
    std::optional<Error> clash = name_clash(stack_, observed_, action, action.one_off ? "" : service.place);
    if (clash) plan_.problems.push_back(std::move(*clash));
    action.lenders = lenders_of_service(service);
    for (const std::string& name : lenders_of(service.container)) {
      if (!action.lenders.contains(name)) missing_lender(service, name);
    }
  }

  Replica create(const ServiceConfig& service, CreateContainer action, const std::string& why) {
    check(service, action);
    std::vector<StepId> after = resources_.ready;
    for (const auto& [name, lender] : action.lenders) {
      if (auto created = created_.find(lender.name); created != created_.end()) after.push_back(created->second);
    }
    Replica replica;
    replica.service = &service;
    replica.ref = action.container;
    replica.created = plan_.add(std::move(action), why, std::move(after));
    created_[replica.ref.name] = *replica.created;
    replica.needs_start = true;
    replica.start_reason = "not running";
    creates_.push_back(*replica.created);
    return replica;
  }

  void missing_lender(const ServiceConfig& service, const std::string& name) {
    Error error = make_error(fmt::format("service \"{}\" needs {}, but there is no such container", service.name, name),
                             name.starts_with("service:") ? "its service must have at least one" : "");
    if (stack_.project.empty()) error = make_error("No such container: " + name.substr(name.find(':') + 1));
    if (!service.place.empty()) error.context.push_back(service.place);
    plan_.problems.push_back(std::move(error));
  }

  /// The containers whose namespaces and mounts it takes, as this plan leaves them: services come after those that
  /// they take from.
  std::map<std::string, ContainerRef> lenders_of_service(const ServiceConfig& service) {
    std::map<std::string, ContainerRef> lenders;
    for (const std::string& name : lenders_of(service.container)) {
      if (lenders.contains(name)) continue;
      auto planned = replicas_.find(name.starts_with("service:") ? name.substr(8) : "");
      std::optional<ContainerRef> lender = lender_there(stack_, observed_, name);
      if (planned != replicas_.end() && !planned->second.empty()) lender = planned->second.front().ref;
      if (lender) lenders[name] = *lender;
    }
    return lenders;
  }

  Replica converge(const ServiceConfig& service, const Candidate& candidate) {
    const Container& container = *candidate.container;
    const ContainerRecord& record = container.record;
    if (candidate.divergence && !updates_.rolls(service, candidate, resources_)) return replace(service, candidate);
    Replica replica;
    replica.service = &service;
    replica.ref = {container_name(stack_, service, record.number), record.id};
    if (record.name != replica.ref.name) {
      std::optional<ContainerRef> other;
      if (candidate.successor != nullptr) other = {candidate.successor->record.name, candidate.successor->record.id};
      replica.renamed = plan_.add(RenameContainer{replica.ref, other}, kCutOff);
    }
    if (candidate.divergence) {
      CreateContainer fresh = action_for(service, record);
      check(service, fresh);
      add_to_update(plan_, service, candidate, std::move(fresh), options_.stop_timeout_ns);
      replica.updated = true;
      return replica;
    }
    replica.has_run = container.live.started_ns != 0;
    replica.needs_start = !container.live.alive() && container.live.status != Status::restarting;
    replica.start_reason = "not running";
    if (auto stopped = resources_.stopped.find(record.id); stopped != resources_.stopped.end()) {
      replica.stopped = stopped->second;
      replica.needs_start = true;
      replica.start_reason = plan_.steps[stopped->second].why;
    }
    return replica;
  }

  Replica replace(const ServiceConfig& service, const Candidate& candidate) {
    const Container& old = *candidate.container;
    Replica replica = create(service, action_for(service, old.record), candidate.divergence->why);
    plan_.steps[*replica.created].changes = candidate.divergence->changes;
    replica.replaces = leave_replaced(old);
    return replica;
  }

  size_t leave_replaced(const Container& old) {
    size_t index = leave(old, "is replaced");
    leaving_[index].replaced = true;
    return index;
  }

  size_t leave(const Container& container, const std::string& why) {
    leaving_.push_back(leaving(container, why, resources_));
    return leaving_.size() - 1;
  }

  /// Does nothing if it is stopped already, or by an earlier step.
  void stop(Leaving& old, std::vector<StepId> after) {
    if (!old.running || old.stopped) return;
    const std::vector<StepId>& dependents = stopped_dependents_[old.service];
    after.insert(after.end(), dependents.begin(), dependents.end());
    old.stopped = plan_.add(StopContainer{old.ref, options_.stop_timeout_ns}, old.why, std::move(after));
  }

  void plan_orphans() {
    std::vector<const Container*> orphans = orphans_of(stack_, observed_, options_);
    if (options_.remove_orphans) {
      for (const Container* orphan : orphans) leave(*orphan, "orphan: its service is not in the file any more");
    } else if (!orphans.empty() && !options_.ignore_orphans) {
      plan_.warnings.push_back(orphan_warning(orphans));
    }
  }

  [[nodiscard]] bool recreated(const std::string& service) const {
    auto found = replicas_.find(service);
    return found != replicas_.end() &&
           std::any_of(found->second.begin(), found->second.end(), [](auto& r) { return r.replaces.has_value(); });
  }

  /// What asks to be restarted with a dependency stops before the old container of that goes, and starts behind the
  /// new one.
  void plan_dependents() {
    for (auto service = stack_.services.rbegin(); service != stack_.services.rend(); ++service) {
      for (const DependencyConfig& dependency : service->depends_on) {
        if (dependency.restart && recreated(dependency.service)) stop_with(dependency.service, *service);
      }
    }
  }

  void stop_with(const std::string& dependency, const ServiceConfig& service) {
    std::vector<StepId>& stops = stopped_dependents_[dependency];
    for (Replica& replica : replicas_[service.name]) {
      if (replica.replaces) {
        Leaving& old = leaving_[*replica.replaces];
        stop(old, creates_);
        if (old.stopped) stops.push_back(*old.stopped);
      } else if (!replica.created && (replica.stopped || !replica.needs_start)) {
        replica.start_reason = dependency + " is made anew";
        replica.needs_start = true;
        if (!replica.stopped)
          replica.stopped =
              plan_.add(StopContainer{replica.ref, options_.stop_timeout_ns}, replica.start_reason, creates_);
        stops.push_back(*replica.stopped);
      }
    }
  }

  /// Ports are freed and taken before anything starts, so that a clash leaves everything as it was.
  [[nodiscard]] std::vector<StepId> plan_reservations() {
    std::vector<StepId> ready = creates_, freed;
    for (Leaving& old : leaving_) {
      if (old.replaced && !old.has_ports) continue;  // runs until its successor is about to start
      stop(old, creates_);
      if (old.stopped && old.has_ports) freed.push_back(*old.stopped);
    }
    for (auto& [name, replicas] : replicas_) {
      for (Replica& replica : replicas) {
        if (!replica.needs_start || replica.service->container.ports.empty()) continue;
        std::vector<StepId> after = freed;  // a port may move from any service to any other
        if (replica.created) after.push_back(*replica.created);
        if (replica.stopped) after.push_back(*replica.stopped);
        ready.push_back(plan_.add(ReservePorts{replica.ref}, "published ports", std::move(after)));
      }
    }
    return ready;
  }

  void plan_starts() {
    std::vector<StepId> ready = plan_reservations();
    for (const ServiceConfig& service : stack_.services) {  // dependencies come first
      std::vector<StepId> after = ready;
      std::vector<Replica>& hooks = hooks_[service.name];
      bool any = !hooks.empty() || std::any_of(replicas_[service.name].begin(), replicas_[service.name].end(),
                                               [](auto& r) { return r.needs_start; });
      if (any) add_gates(service, after);
      for (Replica& hook : hooks) {
        plan_start(hook, after);
        after.push_back(wait(hook, Condition::completed, service.name));
      }
      for (Replica& replica : replicas_[service.name]) {
        if (replica.needs_start) plan_start(replica, after);
      }
    }
  }

  void plan_start(Replica& replica, std::vector<StepId> after) {
    if (replica.replaces) {
      Leaving& old = leaving_[*replica.replaces];
      stop(old, after);
      take_name(replica);
    }
    if (replica.renamed) after.push_back(*replica.renamed);
    if (replica.stopped) after.push_back(*replica.stopped);
    if (resources_.stopped.contains(replica.ref.id))
      after.insert(after.end(), resources_.ready.begin(), resources_.ready.end());
    replica.started = plan_.add(StartContainer{replica.ref, false}, replica.start_reason, std::move(after));
    ends_.push_back(*replica.started);
  }

  /// Of the container that it replaces, once that stands still.
  void take_name(Replica& replica) {
    const Leaving& old = leaving_[*replica.replaces];
    std::vector<StepId> after = {*replica.created};
    if (old.stopped) after.push_back(*old.stopped);
    replica.renamed = plan_.add(RenameContainer{replica.ref, old.ref}, "takes the place of the old one", after);
  }

  /// Anonymous volumes that the successor has taken over stay.
  void plan_removals() {
    std::vector<StepId> last = ends_.empty() ? creates_ : ends_;
    for (Leaving& old : leaving_) stop(old, creates_);  // where nothing is started
    for (auto* some : {&replicas_, &hooks_}) {
      for (auto& [name, replicas] : *some) {
        for (Replica& replica : replicas) {
          if (replica.replaces && !replica.renamed) take_name(replica);
          if (replica.renamed) last.push_back(*replica.renamed);
        }
      }
    }
    for (const auto& [name, hooks] : hooks_) {
      for (const Replica& hook : hooks) {
        if (hook.started) plan_.add(RemoveContainer{hook.ref, true}, "has done its work", last);
      }
    }
    for (const Leaving& old : leaving_) {
      std::vector<StepId> after = last;
      if (old.stopped) after.push_back(*old.stopped);
      plan_.add(RemoveContainer{old.ref, true}, old.why, std::move(after));
    }
  }

  /// What has to be true of its dependencies before a service may start.
  void add_gates(const ServiceConfig& service, std::vector<StepId>& after) {
    for (const DependencyConfig& dependency : service.depends_on) {
      auto found = replicas_.find(dependency.service);
      if (found == replicas_.end()) continue;  // --no-deps, or not required and disabled
      for (const Replica& replica : found->second) {
        if (replica.started) after.push_back(*replica.started);
        if (dependency.condition == "service_healthy") after.push_back(wait(replica, Condition::healthy, service.name));
        if (dependency.condition == "service_completed_successfully") {
          after.push_back(wait(replica, Condition::completed, service.name));
        }
      }
    }
  }

  StepId wait(const Replica& replica, Condition condition, const std::string& waiter) {
    auto key = std::pair(replica.ref.name, condition);
    if (auto found = waits_.find(key); found != waits_.end()) return found->second;
    std::vector<StepId> after;
    if (replica.started) after.push_back(*replica.started);
    StepId id = plan_.add(WaitFor{replica.ref, condition, options_.wait_timeout_ns}, waiter + " depends on it",
                          std::move(after));
    return waits_[key] = id;
  }

  void plan_final_waits() {
    // A job that others wait for until it has ended is not expected to be running at the end.
    std::set<std::string> jobs;
    for (const ServiceConfig& service : stack_.services) {
      for (const DependencyConfig& d : service.depends_on) {
        if (d.condition == "service_completed_successfully") jobs.insert(d.service);
      }
    }
    for (const auto& [name, replicas] : replicas_) {
      for (const Replica& replica : replicas) {
        if (replica.updated) continue;  // its successor is waited for
        Condition condition = jobs.contains(name) ? Condition::completed : Condition::running_or_healthy;
        std::vector<StepId> after;
        if (replica.started) after.push_back(*replica.started);
        ends_.push_back(
            plan_.add(WaitFor{replica.ref, condition, options_.wait_timeout_ns}, kFinalWait, std::move(after)));
      }
    }
  }

  const Stack& stack_;
  const Observed& observed_;
  const UpOptions& options_;
  Plan plan_;
  UpdateChoice updates_;
  ResourceSteps resources_;  // networks and volumes
  std::vector<StepId> creates_;
  std::map<std::string, StepId> created_;  // by container name
  std::vector<Leaving> leaving_;
  std::map<std::string, std::vector<StepId>> stopped_dependents_;  // by the service they are restarted with
  std::vector<StepId> ends_;                                       // starts and final waits
  std::map<std::string, std::vector<Replica>> replicas_;           // by service
  std::map<std::string, std::vector<Replica>> hooks_;              // pre_start, by service, in their order
  std::map<std::pair<std::string, Condition>, StepId> waits_;
};

}  // namespace

Plan plan_up(const Stack& stack, const Observed& observed, const UpOptions& options) {
  return UpPlanner(stack, observed, options).plan();
}

}  // namespace berth::engine
