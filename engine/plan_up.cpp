#include "engine/plan_up.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "engine/joins.h"
#include "engine/observed_stack.h"
#include "engine/plan_network.h"

namespace berth::engine {
namespace {

/// One replica as the plan leaves it.
struct Replica {
  ContainerRef ref;
  std::optional<StepId> created;   // by this plan
  std::optional<StepId> stopped;   // by this plan, to be started again
  std::optional<StepId> started;   // by this plan
  std::optional<size_t> replaces;  // index into the planner's leaving_
  bool needs_start = false;
  std::string start_reason;
  const ServiceConfig* service = nullptr;
};

/// A container that will be gone: replaced, one too many, or an orphan.
struct Leaving {
  ContainerRef ref;
  std::string service, why;
  bool replaced = false;
  bool running = false;  // or about to be: only then has it to be stopped, and to be started again if the plan fails
  bool has_ports = false;
  std::optional<StepId> stopped;
};

class UpPlanner {
 public:
  UpPlanner(const Stack& stack, const Observed& observed, const UpOptions& options)
      : stack_(stack), observed_(observed), options_(options) {}

  Plan plan() {
    networks_ = plan_networks(stack_, observed_, plan_);
    resources_ = networks_.ready;
    for (const VolumeConfig& volume : stack_.volumes) plan_volume(volume);
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
  void plan_volume(const VolumeConfig& volume) {
    bool exists = std::find(observed_.volumes.begin(), observed_.volumes.end(), volume.name) != observed_.volumes.end();
    if (volume.external && !exists)
      return plan_.problems.push_back(missing_external("volume", volume.name, volume.place));
    if (!volume.external && !exists) resources_.push_back(plan_.add(CreateVolume{volume}, "missing"));
  }

  void plan_containers(const ServiceConfig& service) {
    std::vector<const Container*> old = replicas_there(stack_, observed_, service.name);
    std::string hash = config_hash(service);
    for (int64_t number = 1; number <= service.replicas; ++number) {
      auto match = std::find_if(old.begin(), old.end(), [&](auto* c) { return c->record.number == number; });
      replicas_[service.name].push_back(match == old.end() ? create(service, number, "missing")
                                                           : converge(service, **match, hash));
      if (match != old.end()) old.erase(match);
    }
    for (const Container* extra : old)
      leave(*extra, fmt::format("the service has {} replicas", service.replicas), false);
  }

  Replica create(const ServiceConfig& service, int64_t number, const std::string& why) {
    CreateContainer action;
    action.container.name = container_name(stack_, service, number);
    action.service = service.name;
    action.number = number;
    return create(service, std::move(action), why);
  }

  Replica create_one_off(const ServiceConfig& service) {
    CreateContainer action;
    action.container.name = options_.one_off.name;
    action.service = service.name;
    action.one_off = true;
    action.auto_remove = options_.one_off.auto_remove;
    return create(service, std::move(action), "one-off");
  }

  Replica create(const ServiceConfig& service, CreateContainer action, const std::string& why) {
    std::optional<Error> clash = name_clash(stack_, observed_, action, action.one_off ? "" : service.place);
    if (clash) plan_.problems.push_back(std::move(*clash));
    action.lenders = lenders_of_service(service);
    for (const std::string& name : lenders_of(service.container)) {
      if (!action.lenders.contains(name)) missing_lender(service, name);
    }
    std::vector<StepId> after = resources_;
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

  Replica converge(const ServiceConfig& service, const Container& container, const std::string& hash) {
    const ContainerRecord& record = container.record;
    bool changed = record.config_hash != hash;
    bool other_image = !service.image_id.empty() && service.image_id != record.image_id;
    bool other_lender =
        !lenders_of(service.container).empty() && !lends_from(record, service, lenders_of_service(service));
    std::string lost = lost_network(record, service.container);
    if ((changed || other_image || other_lender || !lost.empty() || options_.force_recreate) && !options_.no_recreate) {
      Replica replica = create(service, record.number,
                               options_.force_recreate ? "recreation asked for"
                               : changed               ? "configuration changed"
                               : other_image           ? "its image is another one now"
                               : other_lender          ? "a container that it takes from is made anew"
                                                       : "is not connected to network " + lost + " any more");
      replica.replaces = leave(container, "is replaced", true);
      return replica;
    }
    Replica replica;
    replica.service = &service;
    replica.ref = {record.name, record.id};
    replica.needs_start = !container.live.alive() && container.live.status != Status::restarting;
    replica.start_reason = "not running";
    if (auto stopped = networks_.stopped.find(record.id); stopped != networks_.stopped.end()) {
      replica.stopped = stopped->second;
      replica.needs_start = true;
      replica.start_reason = "a network of it is made anew";
    }
    return replica;
  }

  size_t leave(const Container& container, const std::string& why, bool replaced) {
    const LiveState& live = container.live;
    Leaving old;
    old.ref = {container.record.name, container.record.id};
    old.service = container.record.service;
    old.why = why;
    old.replaced = replaced;
    old.running = live.alive() || live.ending() || live.status == Status::restarting;
    old.has_ports = !container.record.config.ports.empty();
    auto stopped = networks_.stopped.find(container.record.id);
    if (stopped != networks_.stopped.end()) old.stopped = stopped->second;
    leaving_.push_back(std::move(old));
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
    std::map<std::pair<std::string, std::string>, const Container*>
        orphans;  // by name and id, whatever the order observed
    for (const Container& container : observed_.containers) {
      const ContainerRecord& r = container.record;
      if (r.project != stack_.project || r.one_off || replicas_.contains(r.service) ||
          options_.other_services.contains(r.service)) {
        continue;
      }
      orphans[{r.name, r.id}] = &container;
    }
    std::string names;
    for (const auto& [key, container] : orphans) {
      if (options_.remove_orphans)
        leave(*container, "orphan: its service is not in the file any more", false);
      else
        names += (names.empty() ? "" : ", ") + key.first;
    }
    if (!names.empty() && !options_.ignore_orphans) {
      plan_.warnings.push_back(
          fmt::format("Found orphan containers ({}) for this project. If you removed or renamed this service in your "
                      "compose file, you "
                      "can run this command with the --remove-orphans flag to clean it up.",
                      names));
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
      bool any = std::any_of(replicas_[service.name].begin(), replicas_[service.name].end(),
                             [](auto& r) { return r.needs_start; });
      if (any) add_gates(service, after);
      for (Replica& replica : replicas_[service.name]) {
        if (replica.needs_start) plan_start(replica, after);
      }
    }
  }

  void plan_start(Replica& replica, std::vector<StepId> after) {
    if (replica.replaces) {
      Leaving& old = leaving_[*replica.replaces];
      stop(old, after);
      if (old.stopped) after.push_back(*old.stopped);
    }
    if (replica.stopped) after.push_back(*replica.stopped);
    if (networks_.stopped.contains(replica.ref.id))
      after.insert(after.end(), networks_.ready.begin(), networks_.ready.end());
    replica.started = plan_.add(StartContainer{replica.ref, false}, replica.start_reason, std::move(after));
    ends_.push_back(*replica.started);
  }

  void plan_removals() {
    const std::vector<StepId>& last = ends_.empty() ? creates_ : ends_;
    for (Leaving& old : leaving_) {
      stop(old, creates_);  // where nothing is started
      std::vector<StepId> after = last;
      if (old.stopped) after.push_back(*old.stopped);
      plan_.add(RemoveContainer{old.ref, !old.replaced}, old.why, std::move(after));
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
  NetworkSteps networks_;
  std::vector<StepId> resources_;  // networks and volumes
  std::vector<StepId> creates_;
  std::map<std::string, StepId> created_;  // by container name
  std::vector<Leaving> leaving_;
  std::map<std::string, std::vector<StepId>> stopped_dependents_;  // by the service they are restarted with
  std::vector<StepId> ends_;                                       // starts and final waits
  std::map<std::string, std::vector<Replica>> replicas_;           // by service
  std::map<std::pair<std::string, Condition>, StepId> waits_;
};

}  // namespace

std::string container_name(const Stack& stack, const ServiceConfig& service, int64_t number) {
  if (!service.container_name.empty()) return service.container_name;
  return fmt::format("{}-{}-{}", stack.project, service.name, number);
}

Plan plan_up(const Stack& stack, const Observed& observed, const UpOptions& options) {
  return UpPlanner(stack, observed, options).plan();
}

}  // namespace berth::engine
