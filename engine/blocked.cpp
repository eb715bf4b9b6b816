#include "engine/blocked.h"

#include <fmt/core.h>

#include <map>

namespace berth::engine {
namespace {

constexpr size_t kShown = 10;

/// What a step makes others wait for: {container, "to be healthy"}. No container: it is a step of their own.
std::pair<std::string, std::string> awaited(const Step& step) {
  if (const auto* wait = std::get_if<WaitFor>(&step.action)) {
    const char* state = wait->condition == Condition::completed            ? "to complete"
                        : wait->condition == Condition::healthy            ? "to be healthy"
                        : wait->condition == Condition::running_or_healthy ? "to be ready"
                                                                           : "to start";
    return {wait->container.name, state};
  }
  if (const auto* start = std::get_if<StartContainer>(&step.action)) return {start->container.name, "to start"};
  return {};
}

}  // namespace

std::vector<std::string> blocked_by(const Plan& plan, StepId failed) {
  std::vector<bool> blocked(plan.steps.size(), false);
  blocked[failed] = true;
  std::vector<std::string> lines;
  size_t more = 0;
  for (StepId id = failed + 1; id < plan.steps.size(); ++id) {
    std::map<std::string, std::string> waits_for;  // a wait says more than the start before it
    for (StepId earlier : plan.steps[id].after) {
      if (!blocked[earlier]) continue;
      blocked[id] = true;
      auto [container, state] = awaited(plan.steps[earlier]);
      if (container.empty()) continue;
      std::string& known = waits_for[container];
      if (known.empty() || std::holds_alternative<WaitFor>(plan.steps[earlier].action)) known = state;
    }
    const auto* start = std::get_if<StartContainer>(&plan.steps[id].action);
    if (start == nullptr) continue;
    for (const auto& [container, state] : waits_for) {
      if (container == start->container.name) continue;
      if (lines.size() < kShown)
        lines.push_back(fmt::format("{} waited for {} {}", start->container.name, container, state));
      else
        ++more;
    }
  }
  if (more > 0) lines.push_back(fmt::format("and {} more", more));
  return lines;
}

}  // namespace berth::engine
