#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/plan.h"

namespace berth::engine {

/// Where steps touch the host. The supervisor's implementation drives namespaces and networks; tests use one in memory.
class StepRunner {
 public:
  virtual ~StepRunner() = default;
  /// Begins a step; `done` is called exactly once, at once or later, on the same thread. A step that fails has taken
  /// back what it had made itself.
  virtual void start(StepId id, const Step& step, std::function<void(berth::Status)> done) = 0;
  /// Ends waiting steps (WaitFor) early, with an error.
  virtual void cancel_waits() = 0;
};

enum class StepEvent { started, done, failed };

struct StepFailure {
  StepId step;
  Error error;
};

struct ApplyReport {
  std::vector<StepId> done;  // in the order they ended
  std::vector<StepFailure> failures;
  bool cancelled = false;
  [[nodiscard]] bool ok() const { return failures.empty() && !cancelled; }
};

/// Carries out a plan: starts every step whose predecessors are done, waits for one to end, goes on. Holds no policy;
/// after a failure nothing more is started and what runs is waited for.
class Apply : public std::enable_shared_from_this<Apply> {
 public:
  using Observer = std::function<void(StepId, StepEvent, const Error*)>;
  using Finished = std::function<void(ApplyReport)>;

  struct Rules {
    bool keep_going = false;  // a failed step stops only what depends on it (taking down: one must not keep the others)
    size_t at_once = 0;       // steps, of which waiting is none; 0 = as many as there are
  };
  static std::shared_ptr<Apply> run(const Plan& plan, StepRunner& runner, Rules rules, Observer observer,
                                    Finished finished);

  /// Starts nothing more; the report says cancelled.
  void cancel();

 private:
  Apply(const Plan& plan, StepRunner& runner, Rules rules, Observer observer, Finished finished);
  void begin();
  void start_ready();
  [[nodiscard]] bool waits(StepId id) const;
  [[nodiscard]] size_t next_ready() const;
  void ended(StepId id, berth::Status status);
  void skip_dependents(StepId id);
  void finish_if_idle();

  enum class State { waiting, running, done, failed, skipped };
  const Plan& plan_;
  StepRunner& runner_;
  Rules rules_;
  Observer observer_;
  Finished finished_;
  std::vector<State> states_;
  std::vector<size_t> missing_;  // predecessors not done yet
  std::vector<std::vector<StepId>> dependents_;
  std::vector<StepId> ready_;
  size_t running_ = 0, waiting_ = 0;  // the second is part of the first
  bool starting_ = false;
  ApplyReport report_;
};

}  // namespace berth::engine
