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

  /// `keep_going`: a failed step stops only what depends on it (taking down, where one stuck container must not keep
  /// the others).
  static std::shared_ptr<Apply> run(const Plan& plan, StepRunner& runner, bool keep_going, Observer observer,
                                    Finished finished);

  /// Starts nothing more; the report says cancelled.
  void cancel();

 private:
  Apply(const Plan& plan, StepRunner& runner, bool keep_going, Observer observer, Finished finished);
  void begin();
  void start_ready();
  void ended(StepId id, berth::Status status);
  void skip_dependents(StepId id);
  void finish_if_idle();

  enum class State { waiting, running, done, failed, skipped };
  const Plan& plan_;
  StepRunner& runner_;
  bool keep_going_;
  Observer observer_;
  Finished finished_;
  std::vector<State> states_;
  std::vector<size_t> missing_;  // predecessors not done yet
  std::vector<std::vector<StepId>> dependents_;
  std::vector<StepId> ready_;
  size_t running_ = 0;
  bool starting_ = false;
  ApplyReport report_;
};

}  // namespace berth::engine
