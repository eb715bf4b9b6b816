#include "engine/plan_up.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "base/text.h"

namespace berth::engine {
namespace {

/// One replica as the plan leaves it.
struct Replica {
  ContainerRef ref;
  std::optional<StepId> created;  // by this plan
  std::optional<StepId> started;  // by this plan
  std::optional<ContainerRef> replaces;
  std::optional<StepId> old_stopped;
  bool needs_start = false;
  std::string start_reason;
  const ServiceConfig* service = nullptr;
};

class UpPlanner {
 public:
  UpPlanner(const Stack& stack, const Observed& observed, const UpOptions& options)
      : stack_(stack), observed_(observed), options_(options) {}

  Plan plan() {
    for (const NetworkConfig& network : stack_.networks) plan_network(network);
    for (const VolumeConfig& volume : stack_.volumes) plan_volume(volume);
    for (const ServiceConfig& service : stack_.services) plan_containers(service);
    // From here on every container of the stack exists, or a step makes it.
    plan_orphans();
    if (!options_.no_start) plan_starts();
    if (options_.wait && !options_.no_start) plan_final_waits();
    return std::move(plan_);
  }

 private:
  void plan_network(const NetworkConfig& network) {
    bool exists = observed_.network(network.name) != nullptr;
    if (network.external && !exists) return missing_external("network", network.name, network.place);
    if (!network.external && !exists) resources_.push_back(plan_.add(CreateNetwork{network}, "missing"));
  }

  void plan_volume(const VolumeConfig& volume) {
    bool exists = std::find(observed_.volumes.begin(), observed_.volumes.end(), volume.name) != observed_.volumes.end();
    if (volume.external && !exists) return missing_external("volume", volume.name, volume.place);
    if (!volume.external && !exists) resources_.push_back(plan_.add(CreateVolume{volume}, "missing"));
  }

  void missing_external(const char* kind, const std::string& name, const std::string& place) {
    Error error = make_error(fmt::format("{} {} is declared as external, but does not exist", kind, name),
                             fmt::format("create it with `berth {} create {}`, or remove `external: true`", kind, name));
    if (!place.empty()) error.context.push_back(place);
    plan_.problems.push_back(std::move(error));
  }

  [[nodiscard]] std::vector<const Container*> existing(const ServiceConfig& service) const {
    std::vector<const Container*> found;
    for (const Container& container : observed_.containers) {
      const ContainerRecord& r = container.record;
      if (r.project == stack_.project && r.service == service.name && !r.one_off) found.push_back(&container);
    }
    std::sort(found.begin(), found.end(), [](auto* a, auto* b) { return a->record.number < b->record.number; });
    return found;
  }

  void plan_containers(const ServiceConfig& service) {
    std::vector<const Container*> old = existing(service);
    std::string hash = config_hash(service);
    for (int64_t number = 1; number <= service.replicas; ++number) {
      auto match = std::find_if(old.begin(), old.end(), [&](auto* c) { return c->record.number == number; });
      replicas_[service.name].push_back(match == old.end() ? create(service, number, "missing")
                                                           : converge(service, **match, hash));
      if (match != old.end()) old.erase(match);
    }
    for (const Container* extra : old) remove(*extra, fmt::format("the service has {} replicas", service.replicas));
  }

  Replica create(const ServiceConfig& service, int64_t number, const std::string& why) {
    Replica replica;
    replica.service = &service;
    replica.ref = {container_name(stack_, service, number), ""};
    replica.created = plan_.add(CreateContainer{replica.ref, service.name, number}, why, resources_);
    replica.needs_start = true;
    replica.start_reason = "not running";
    creates_.push_back(*replica.created);
    return replica;
  }

  Replica converge(const ServiceConfig& service, const Container& container, const std::string& hash) {
    const ContainerRecord& record = container.record;
    bool changed = record.config_hash != hash;
    if ((changed || options_.force_recreate) && !options_.no_recreate) {
      Replica replica = create(service, record.number, options_.force_recreate ? "recreation asked for" : "configuration changed");
      replica.replaces = ContainerRef{record.name, record.id};
      return replica;
    }
    Replica replica;
    replica.service = &service;
    replica.ref = {record.name, record.id};
    replica.needs_start = !container.live.alive() && container.live.status != Status::restarting;
    replica.start_reason = "not running";
    return replica;
  }

  void remove(const Container& container, const std::string& why) {
    ContainerRef ref{container.record.name, container.record.id};
    StepId stopped = plan_.add(StopContainer{ref, options_.stop_timeout_ns}, why);
    plan_.add(RemoveContainer{ref, true}, why, {stopped});
  }

  void plan_orphans() {
    std::string names;
    for (const Container& container : observed_.containers) {
      const ContainerRecord& r = container.record;
      if (r.project != stack_.project || r.one_off || replicas_.contains(r.service) || options_.other_services.contains(r.service)) {
        continue;
      }
      if (options_.remove_orphans) remove(container, "orphan: its service is not in the file any more");
      else names += (names.empty() ? "" : ", ") + r.name;
    }
    if (!names.empty() && !options_.ignore_orphans) {
      plan_.warnings.push_back(
          fmt::format("Found orphan containers ({}) for this project. If you removed or renamed this service in your compose file, you "
                      "can run this command with the --remove-orphans flag to clean it up.",
                      names));
    }
  }

  /// Ports are taken before anything starts, so that a clash leaves everything as it was.
  [[nodiscard]] std::vector<StepId> plan_reservations() {
    std::vector<StepId> ready = creates_;
    for (auto& [name, replicas] : replicas_) {
      for (Replica& replica : replicas) {
        if (!replica.needs_start || replica.service->container.ports.empty()) continue;
        std::vector<StepId> after = replica.created ? std::vector<StepId>{*replica.created} : std::vector<StepId>{};
        if (replica.replaces) {  // the old one holds them
          replica.old_stopped = plan_.add(StopContainer{*replica.replaces, options_.stop_timeout_ns}, "is replaced", creates_);
          after.push_back(*replica.old_stopped);
        }
        ready.push_back(plan_.add(ReservePorts{replica.ref}, "published ports", std::move(after)));
      }
    }
    return ready;
  }

  void plan_starts() {
    std::vector<StepId> ready = plan_reservations();
    for (const ServiceConfig& service : stack_.services) {  // dependencies come first
      std::vector<StepId> after = ready;
      bool any = std::any_of(replicas_[service.name].begin(), replicas_[service.name].end(), [](auto& r) { return r.needs_start; });
      if (any) add_gates(service, after);
      for (Replica& replica : replicas_[service.name]) {
        if (replica.needs_start) plan_start(replica, after);
      }
    }
  }

  void plan_start(Replica& replica, std::vector<StepId> after) {
    if (replica.replaces && !replica.old_stopped) {
      replica.old_stopped = plan_.add(StopContainer{*replica.replaces, options_.stop_timeout_ns}, "is replaced", after);
    }
    if (replica.old_stopped) after.push_back(*replica.old_stopped);
    replica.started = plan_.add(StartContainer{replica.ref}, replica.start_reason, std::move(after));
    // Only now: until the new one runs, the old one can be brought back.
    if (replica.replaces) plan_.add(RemoveContainer{*replica.replaces, false}, "is replaced", {*replica.started});
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
    StepId id = plan_.add(WaitFor{replica.ref, condition, std::nullopt}, waiter + " depends on it", std::move(after));
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
        plan_.add(WaitFor{replica.ref, condition, options_.wait_timeout_ns}, "--wait", std::move(after));
      }
    }
  }

  const Stack& stack_;
  const Observed& observed_;
  const UpOptions& options_;
  Plan plan_;
  std::vector<StepId> resources_;  // networks and volumes
  std::vector<StepId> creates_;
  std::map<std::string, std::vector<Replica>> replicas_;  // by service
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
