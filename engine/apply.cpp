#include "engine/apply.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace berth::engine {

Apply::Apply(const Plan& plan, StepRunner& runner, Rules rules, Observer observer, Finished finished)
    : plan_(plan),
      runner_(runner),
      rules_(rules),
      observer_(std::move(observer)),
      finished_(std::move(finished)),
      states_(plan.steps.size(), State::waiting),
      missing_(plan.steps.size()),
      dependents_(plan.steps.size()) {
  for (StepId id = 0; id < plan.steps.size(); ++id) {
    missing_[id] = plan.steps[id].after.size();
    for (StepId earlier : plan.steps[id].after) dependents_[earlier].push_back(id);
    if (missing_[id] == 0) ready_.push_back(id);
  }
  std::reverse(ready_.begin(), ready_.end());  // taken from the back, in the plan's order
}

std::shared_ptr<Apply> Apply::run(const Plan& plan, StepRunner& runner, Rules rules, Observer observer,
                                  Finished finished) {
  std::shared_ptr<Apply> apply(new Apply(plan, runner, rules, std::move(observer), std::move(finished)));
  apply->start_ready();
  return apply;
}

void Apply::start_ready() {
  if (starting_) return;  // a step that ended at once inside start(): the loop below goes on
  starting_ = true;
  auto self = shared_from_this();
  for (size_t next = next_ready(); next < ready_.size(); next = next_ready()) {
    StepId id = ready_[next];
    ready_.erase(ready_.begin() + static_cast<ptrdiff_t>(next));
    if (states_[id] != State::waiting) continue;
    states_[id] = State::running;
    ++running_;
    if (waits(id)) ++waiting_;
    observer_(id, StepEvent::started, nullptr);
    runner_.start(id, plan_.steps[id], [self, id](berth::Status status) { self->ended(id, std::move(status)); });
  }
  starting_ = false;
  finish_if_idle();
}

bool Apply::waits(StepId id) const {
  return std::holds_alternative<WaitFor>(plan_.steps[id].action);
}

/// Position in ready_ of the next step that may start; past the end if none may.
size_t Apply::next_ready() const {
  const bool full = rules_.at_once > 0 && running_ - waiting_ >= rules_.at_once;
  for (size_t i = ready_.size(); i > 0; --i) {
    if (!full || waits(ready_[i - 1])) return i - 1;
  }
  return ready_.size();
}

void Apply::ended(StepId id, berth::Status status) {
  BERTH_CHECK(states_[id] == State::running);
  --running_;
  if (waits(id)) --waiting_;
  if (status.ok()) {
    states_[id] = State::done;
    report_.done.push_back(id);
    observer_(id, StepEvent::done, nullptr);
    for (StepId dependent : dependents_[id]) {
      if (--missing_[dependent] == 0) ready_.insert(ready_.begin(), dependent);
    }
  } else {
    states_[id] = State::failed;
    observer_(id, StepEvent::failed, &status.error());
    report_.failures.push_back({id, std::move(status).error()});
    skip_dependents(id);
    if (!rules_.keep_going) {
      ready_.clear();
      std::replace(states_.begin(), states_.end(), State::waiting, State::skipped);
      if (report_.failures.size() == 1) runner_.cancel_waits();
    }
  }
  start_ready();
}

void Apply::skip_dependents(StepId id) {
  for (StepId dependent : dependents_[id]) {
    if (std::exchange(states_[dependent], State::skipped) == State::waiting) skip_dependents(dependent);
  }
}

void Apply::cancel() {
  if (report_.cancelled || !finished_) return;
  report_.cancelled = true;
  ready_.clear();
  std::replace(states_.begin(), states_.end(), State::waiting, State::skipped);
  runner_.cancel_waits();
  finish_if_idle();
}

void Apply::finish_if_idle() {
  if (starting_ || running_ > 0 || !ready_.empty() || !finished_) return;
  Finished finished = std::exchange(finished_, nullptr);
  finished(std::move(report_));
}

}  // namespace berth::engine
