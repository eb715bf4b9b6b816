#include "engine/plan_update.h"

#include <algorithm>

namespace berth::engine {
namespace {

/// A container that leaves and one that takes its place.
struct Exchange {
  ContainerRef from, to;
  Condition ready;
  std::vector<StepId> before_start;  // what has to be done before `to` may start
  bool to_has_ports, from_has_ports;
};

/// One after the other has ended.
class ExchangePlanner {
 public:
  ExchangePlanner(const RolloutConfig& config, std::optional<int64_t> stop_timeout_ns, std::string why, Plan& plan)
      : config_(config), stop_timeout_ns_(stop_timeout_ns), why_(std::move(why)), plan_(plan) {}

  void exchange(const Exchange& e) { config_.start_first ? start_first(e) : stop_first(e); }

 private:
  void stop_first(const Exchange& e) {
    StepId stopped = plan_.add(StopContainer{e.from, stop_timeout_ns_}, why_, e.before_start);
    StepId renamed = plan_.add(RenameContainer{e.to, e.from}, why_, {stopped});
    StepId ready = renamed;
    if (e.to_has_ports) ready = plan_.add(ReservePorts{e.to}, "published ports", {renamed});
    wait(e, plan_.add(StartContainer{e.to}, why_, {ready}));
  }

  void start_first(const Exchange& e) {
    StepId started = plan_.add(StartContainer{e.to, false, e.from_has_ports && e.to_has_ports}, why_, e.before_start);
    StepId renamed = plan_.add(RenameContainer{e.to, e.from}, why_, {wait(e, started)});
    StepId handed = plan_.add(HandOver{e.from, e.to}, "is ready", {renamed});
    plan_.add(StopContainer{e.from, stop_timeout_ns_}, why_, {handed});
  }

  StepId wait(const Exchange& e, StepId started) {
    return plan_.add(WaitFor{e.to, e.ready, std::nullopt, config_.monitor_ns}, "has to be ready", {started});
  }

  const RolloutConfig& config_;
  std::optional<int64_t> stop_timeout_ns_;
  std::string why_;
  Plan& plan_;
};

}  // namespace

size_t group_count(const ServiceUpdate& update) {
  size_t all = update.replacements.size();
  size_t each = update.update.parallelism > 0 ? static_cast<size_t>(update.update.parallelism) : all;
  return each == 0 ? 0 : (all + each - 1) / each;
}

std::vector<size_t> group(const ServiceUpdate& update, size_t number) {
  size_t all = update.replacements.size();
  size_t each = update.update.parallelism > 0 ? static_cast<size_t>(update.update.parallelism) : all;
  std::vector<size_t> members;
  for (size_t i = number * each; i < std::min(all, (number + 1) * each); ++i) members.push_back(i);
  return members;
}

Plan plan_group(const ServiceUpdate& update, size_t number) {
  Plan plan;
  for (size_t i : group(update, number)) {
    const Replacement& r = update.replacements[i];
    StepId created = plan.add(r.fresh, r.why);
    plan.steps[created].changes = r.changes;
    ExchangePlanner(update.update, update.stop_timeout_ns, "update", plan)
        .exchange({r.old, r.fresh.container, r.ready, {created}, r.has_ports, r.had_ports});
  }
  return plan;
}

std::vector<Plan> plan_put_back(const ServiceUpdate& update, const std::vector<size_t>& groups) {
  std::vector<size_t> members;
  for (auto number = groups.rbegin(); number != groups.rend(); ++number) {
    std::vector<size_t> those = group(update, *number);
    members.insert(members.end(), those.rbegin(), those.rend());
  }
  size_t each = update.rollback.parallelism > 0 ? static_cast<size_t>(update.rollback.parallelism) : members.size();
  std::vector<Plan> plans;
  for (size_t i = 0; i < members.size(); ++i) {
    if (i % each == 0) plans.emplace_back();
    const Replacement& r = update.replacements[members[i]];
    Plan& plan = plans.back();
    ExchangePlanner(update.rollback, update.stop_timeout_ns, "rollback", plan)
        .exchange({r.fresh.container, r.old, r.ready, {}, r.had_ports, r.has_ports});
    plan.add(RemoveContainer{r.fresh.container, true}, "rollback", {plan.steps.size() - 1});
    bool last_of_group = (i + 1) % each == 0 && i + 1 < members.size();
    if (!last_of_group || update.rollback.delay_ns == 0) continue;
    plan.add(WaitFor{r.old, r.ready, std::nullopt, update.rollback.delay_ns}, "delay", {plan.steps.size() - 2});
  }
  return plans;
}

Plan plan_delay(const ServiceUpdate& update, size_t number) {
  Plan plan;
  for (size_t i : group(update, number)) {
    const Replacement& r = update.replacements[i];
    plan.add(WaitFor{r.fresh.container, r.ready, std::nullopt, update.update.delay_ns}, "delay");
  }
  return plan;
}

Plan plan_finish(const ServiceUpdate& update, const std::vector<size_t>& groups) {
  Plan plan;
  for (size_t number : groups) {
    for (size_t i : group(update, number)) plan.add(RemoveContainer{update.replacements[i].old, true}, "is replaced");
  }
  return plan;
}

AfterFailure after_failure(const ServiceUpdate& update, size_t failed) {
  const RolloutConfig& config = update.update;
  double ratio = static_cast<double>(failed) / static_cast<double>(update.replacements.size());
  if (ratio <= config.max_failure_ratio || config.failure_action == "continue") return AfterFailure::go_on;
  return config.failure_action == "rollback" ? AfterFailure::roll_back : AfterFailure::pause;
}

}  // namespace berth::engine
