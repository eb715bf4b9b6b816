#pragma once

// What the planner of `up` (engine/plan_up.cpp) works with: containers as the plan leaves them, and those that go.

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/divergence.h"
#include "engine/plan_resources.h"

namespace berth::engine {

/// One replica as the plan leaves it.
struct Replica {
  ContainerRef ref;
  std::optional<StepId> created;   // by this plan
  std::optional<StepId> stopped;   // by this plan, to be started again
  std::optional<StepId> started;   // by this plan
  std::optional<size_t> replaces;  // index into the planner's leaving_
  std::optional<StepId> renamed;   // by this plan
  bool needs_start = false;
  bool has_run = false;  // as the plan leaves it, by what this `up` has found: its service is prepared
  bool updated = false;  // replaced after this plan's steps
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
[[nodiscard]] Leaving leaving(const Container& container, const std::string& why, const ResourceSteps& resources);

[[nodiscard]] CreateContainer new_replica(const Stack& stack, const ServiceConfig& service, int64_t number);
[[nodiscard]] CreateContainer new_pre_start(const Stack& stack, const ServiceConfig& service, size_t hook);
/// The container that it creates takes the place of `old`: under a name of its own until that stands still.
void take_place(CreateContainer& action, const ContainerRecord& old);

/// A replica that is there, and why it cannot stay as it is.
struct Candidate {
  const Container* container = nullptr;
  std::optional<Divergence> divergence;
  const Container* successor = nullptr;  // by an update that was cut off before that one was ready
};
struct Candidates {
  std::vector<Candidate> there;  // first those that can stay, low numbers before high ones
  std::vector<std::pair<const Container*, const char*>> cut_off;  // of two of a number, which goes and why
  int64_t highest = 0;                                            // number
};
[[nodiscard]] Candidates candidates(const Stack& stack, const Observed& observed, const Expectation& expected,
                                    const UpOptions& options);

/// Whether deploy.update_config says how this container is replaced: one that serves, or did so before its update was
/// cut off, and that nothing else of the stack has to go with. Where that is so the plan has a warning.
class UpdateChoice {
 public:
  UpdateChoice(const Stack& stack, const UpOptions& options, Plan& plan)
      : stack_(stack), options_(options), plan_(plan) {}
  [[nodiscard]] bool rolls(const ServiceConfig& service, const Candidate& candidate, const ResourceSteps& resources);

 private:
  const Stack& stack_;
  const UpOptions& options_;
  Plan& plan_;
  std::set<std::string> bound_;  // that were warned of
};

/// Adds the replacement of `candidate` by `fresh` to the update of its service.
void add_to_update(Plan& plan, const ServiceConfig& service, const Candidate& candidate, CreateContainer fresh,
                   std::optional<int64_t> stop_timeout_ns);

}  // namespace berth::engine
